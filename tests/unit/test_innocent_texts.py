"""Texts of programs and of everyday talk that have the form of a person's data, and are none."""

import pytest

from shared.redaction.text import find

INNOCENT = """
retry 3 times, timeout 5000 ms
it failed 3 times, error code 5003
GPU OUT OF MEMORY AFTER 3 ATTEMPTS, ALLOCATED 10240 MB
i have 2 kids, my budget is 3000 dollars
batch size 32, 10000 steps
server listening on port 3000, 5000 connections
use python 3, 10000 iterations
Boeing 737, 2500 Seats
GPT 4, 8192 Tokens
Use Claude Sonnet 4, 64000 Tokens output
HTTP 404, 1234 Errors
Completed 3 Open Pull Requests, Jira 10234
Order 1234 Shipped, Status 5000
Terminal 4, 1530 Departure
Paid 500 Dollars, Gift Card 6136
1 Large Pizza, Extra Cheese 1099
iPhone 15 Pro, Apple 1199
we need 4 data centers in europe
what are the top 10 online courses
show me 5 real estate listings
please book 2 nights near the beach
i booked 2 nights at the mountain lodge
find 3 hotels near the beach, budget 1500 dollars
install 2 chrome extensions
the 10 highest mountains
the 2008 beijing summit
She completed 5 Python Courses last year.
I need 5 Database Locks
Plot 3 ROC Curves
2024 Toyota Canyon
Visit 3 Hawaiian Islands
1 VPN Tunnel down
CC BY 4.0 Creative Commons
The function call returned at 1700000000
tool call started at 1700000000123
The text was generated at 1700000000
Tool call 123456789
call 123456789 failed
API call to 192168001001
segfault in call at 12345678
Refund: call was placed on 20240115
images 100-200-3000x400
crop 100 200 1920x1080
size 640 480 1024x768
192.168.1080x1920
MIT License Copyright 2019-2024 Foo
MIT License (c) 2019-2023
License: BSD-3-Clause, commit 1a2b3c4d5e6f
LICENSE file changed in commit 9f8e7d6c5b4
license: created 2024-01-02T10:00:00
Your license covers 1000000 requests
license server at port 27000123
social posts had 123456789 views
Social reach: 123456789
look for Machine Learning courses
search for Quantum Computing papers
waiting for Azure Pipeline
asked for Prime Rib
According to Google Maps
driver: Chrome
Driver: PostgreSQL
tenant: Production
Tenant: Default
caller: PaymentService
seller: Amazon
from: "Seattle"
to: "Boston"
name: "Search Flights"
C.I.A. Agents
A.I. Models
G.D.P. Growth
A.B. Testing
V.I.P. Lounge
B.A. Degree
U.A.E. Dirham
O.K. Google
React beats Vue
Rust beats Go
Client: max retries
customer: jack cable missing
Victoria Day
Grace Page
Mark Read
Amber Post
Claude Key
Claude Page
partition offset 4000000000000000006
hash 4000000000000000006 differs
returned 676100000006 bytes
allocated 501800000009 bytes
""".strip().split("\n")


@pytest.mark.parametrize("text", INNOCENT)
def test_nothing_is_found(text: str) -> None:
    assert [(one.kind, text[one.start : one.end]) for one in find(text)] == []
