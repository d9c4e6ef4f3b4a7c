"""The families of credentials that tell themselves by their form, or by their vendor's name beside them."""

from collections.abc import Callable
from typing import NamedTuple

_W = "[A-Za-z0-9]"
_U = "[A-Za-z0-9_-]"
_H = "[0-9a-f]"
_B = "[A-Za-z0-9+/]"


class Family(NamedTuple):
    """A form of credential: RE2 without look-around, whose first group, if there is one, is the secret.

    Whatever must stand before the shortest match is bounded, so that no attempt runs far in vain.
    """

    rule: str
    pattern: str
    # What any match holds, in lower case.
    literal: str
    # What the pattern cannot say.
    accepts: Callable[[str], bool] | None = None
    # Whether it begins where a word does; else with a mark, like `$2b$`.
    as_word: bool = True


def _beside(vendor: str, value: str) -> str:
    """Spell a value whose form says nothing, behind its vendor's name and the word for what it is."""
    return (
        rf"(?i:(?:{vendor})[\w. -]{{0,16}}(?:key|token|secret|password|auth)[\w-]{{0,12}}[\"'\\]{{0,4}}"
        rf"\s{{0,3}}(?:=>|[:=]|is)\s{{0,3}}[\"'\\]{{0,4}})({value})\b"
    )


def _has_digit(hit: str) -> bool:
    return any(map(str.isdigit, hit))


def _has_parts(hit: str) -> bool:
    return "." in hit


CLOUD = (
    Family(
        "aws_key_pair",
        rf"((?:AKIA|ASIA)[A-Z0-9]{{16}}[\s,:;/\"']{{1,8}}{_B}{{40}})\b",
        "ia",
    ),
    Family(
        "aws_access_key", r"(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z2-7]{16}\b|(?:AKIA|ASIA)[A-Z0-9]{16}\b", "a"
    ),
    Family("aws_secret_key", _beside("aws|amazon|secret_?access", rf"{_B}{{40}}"), "k"),
    Family("aws_session_token", _beside("aws|amazon", rf"{_B}{{100}}{_B}*"), "k"),
    Family("aws_bedrock_key", rf"ABSK{_B}{{60}}{_B}*={{0,2}}", "absk"),
    Family("gcp_api_key", rf"AIza{_U}{{35}}", "aiza"),
    Family("google_oauth_token", rf"ya29\.{_U}{{20}}[A-Za-z0-9._-]*", "ya29."),
    Family("google_refresh_token", rf"1//0{_U}{{30}}{_U}*", "1//0"),
    Family("google_client_secret", rf"GOCSPX-{_U}{{24}}{_U}*", "gocspx-"),
    Family("google_hmac_key", r"GOOG1?[A-Z0-9]{20}[A-Z0-9]*", "goog"),
    Family("azure_storage_key", rf"AccountKey=({_B}{{20}}{_B}*={{0,2}})", "accountkey="),
    Family("azure_shared_access_key", rf"SharedAccessKey=({_B}{{20}}{_B}*={{0,2}})", "sharedaccesskey="),
    Family("azure_sas_signature", r"sig=([A-Za-z0-9%+/_-]{40}[A-Za-z0-9%+/_-]*={0,2})", "sig="),
    Family("azure_client_secret", r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31}[A-Za-z0-9_~.-]*", "q~"),
    Family("azure_openai_key", _beside("azure|cognitive|openai", f"{_H}{{32}}"), "k"),
    Family("digitalocean_token", rf"do[oprt]_v1_{_H}{{64}}", "_v1_"),
    Family("heroku_key", rf"HRKU-{_U}{{30}}{_U}*", "hrku-"),
    Family("heroku_uuid_key", _beside("heroku", f"{_H}{{8}}(?:-{_H}{{4}}){{3}}-{_H}{{12}}"), "heroku"),
    Family("cloudflare_key", _beside("cloudflare|cf", rf"{_H}{{37}}|{_U}{{40}}"), "k"),
    Family("cloudflare_origin_ca_key", rf"v1\.0-{_H}{{24}}-{_H}{{100}}{_H}*", "v1.0-"),
    Family("alibaba_access_key", rf"LTAI{_W}{{12,26}}\b", "ltai"),
    Family("tencent_secret_id", rf"AKID{_W}{{28}}{_W}*", "akid"),
    Family("ibm_cloud_key", _beside("ibm|bluemix|watson", rf"{_U}{{44}}"), "k"),
    Family("oracle_auth_token", _beside("oci|oracle", r"[A-Za-z0-9+/=_.!@#$%^&*~-]{16}[^\s\"'\\,;]*"), "k"),
    Family("yandex_key", rf"AQVN{_U}{{35}}{_U}*", "aqvn"),
    Family("scaleway_key", r"SCW[A-Z0-9]{17}\b", "scw"),
    Family("flyio_token", r"(?:FlyV1 )?fm[12][ar]?_[A-Za-z0-9+/=_-]{40}[A-Za-z0-9+/=_,-]*", "fm"),
)
SOURCE_HOSTING = (
    Family("github_token", rf"gh[a-z]_{_W}{{20}}{_W}*", "gh"),
    Family("github_fine_grained_token", rf"github_pat_{_W}{{20}}[A-Za-z0-9_]*", "github_pat_"),
    Family(
        "gitlab_token",
        rf"gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|oas|ffct|wt)-{_U}{{19}}[A-Za-z0-9_.-]*{_U}",
        "gl",
    ),
    Family("gitlab_runner_token", rf"GR1348941{_U}{{20}}", "gr1348941"),
    Family("bitbucket_token", rf"ATBB{_W}{{24}}{_W}*", "atbb"),
    Family("bitbucket_secret", _beside("bitbucket", rf"{_U}{{32}}{_U}*"), "bitbucket"),
    Family("gitea_token", _beside("gitea|forgejo|codeberg", f"{_H}{{40}}"), "k"),
    Family("azure_devops_token", _beside("azure.?devops|ado|vsts", rf"{_W}{{52}}|{_W}{{84}}"), "k"),
    Family("sourcegraph_token", rf"sgp_(?:{_W}{{16}}_)?{_H}{{40}}", "sgp_"),
    Family("circleci_token", rf"CCIPAT_{_W}{{20}}_{_H}{{40}}", "ccipat_"),
    Family("buildkite_token", rf"bk[ua]a?_{_H}{{40}}", "bk"),
)
CHAT = (
    Family("slack_token", r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10}[A-Za-z0-9-]*", "xox"),
    Family("slack_app_token", r"xapp-[0-9]-[A-Za-z0-9-]{20}[A-Za-z0-9-]*", "xapp-"),
    Family(
        "slack_webhook",
        r"https://hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/([A-Za-z0-9_/-]{20}[A-Za-z0-9_/-]*)",
        "hooks.slack",
    ),
    Family("discord_token", rf"[MNO]{_W}{{23,27}}\.{_U}{{6}}\.{_U}{{27}}{_U}*", "."),
    Family(
        "discord_webhook",
        rf"https://(?:ptb\.|canary\.)?discord(?:app)?\.com/api/(?:v[0-9]{{1,2}}/)?webhooks/([0-9]{{17,20}}/{_U}{{40}}{_U}*)",
        "webhooks/",
    ),
    Family("telegram_bot_token", rf"(?:bot)?([0-9]{{8,10}}:AA{_U}{{33}})", ":aa"),
    Family(
        "teams_webhook",
        r"https://[a-z0-9.-]{1,60}\.webhook\.office\.com/(?:webhookb2|webhook)/([A-Za-z0-9@/-]{40}[A-Za-z0-9@/-]*)",
        "webhook.office.com",
    ),
    Family("line_or_whatsapp_token", rf"EAA{_W}{{60}}{_W}*", "eaa"),
    Family("zoom_or_intercom_token", rf"dG9r{_B}{{40}}{_B}*={{0,2}}", "dg9r"),
    Family("mattermost_token", _beside("mattermost", "[a-z0-9]{26}"), "mattermost"),
)
PAYMENT = (
    Family("stripe_key", rf"(?:sk|rk|pk)_(?:live|test)_{_W}{{16}}{_W}*", "k_"),
    Family("stripe_webhook_secret", r"whsec_[A-Za-z0-9+/=]{24}[A-Za-z0-9+/=]*", "whsec_"),
    Family("square_token", rf"(?:EAAA{_U}{{60}}|sq0[a-z]{{3}}-{_U}{{22}}{_U}*)", "a"),
    Family(
        "paypal_braintree_token",
        rf"access_token\$(?:production|sandbox)\$[a-z0-9]{{16}}\${_H}{{32}}",
        "access_token$",
    ),
    Family("paypal_secret", _beside("paypal", rf"E{_U}{{60}}{_U}*"), "paypal"),
    Family("adyen_key", rf"AQE[a-z0-9]hm{_B}{{40}}[A-Za-z0-9+/=.<>\[\]{{}}_^~*&%$#@!?:;|-]*", "aqe"),
    Family("braintree_key", _beside("braintree", f"{_H}{{32}}"), "braintree"),
    Family("razorpay_key", rf"rzp_(?:live|test)_{_W}{{14}}{_W}*", "rzp_"),
    Family("shopify_token", rf"shp(?:at|ca|pa|ss|ua)_{_W}{{32}}", "shp"),
    Family("flutterwave_key", rf"FLW(?:SEC|PUB)K(?:_TEST)?-{_W}{{12}}[A-Za-z0-9-]*", "flw"),
    Family(
        "plaid_token",
        rf"(?:access|public)-(?:sandbox|development|production)-{_H}{{8}}(?:-{_H}{{4}}){{3}}-{_H}{{12}}",
        "-",
    ),
    Family("coinbase_key", _beside("coinbase", rf"{_U}{{32}}{_U}*"), "coinbase"),
    Family("easypost_key", rf"EZ[AT]K{_W}{{54}}", "ez"),
)
LLM_VENDORS = (
    Family("anthropic_key", rf"sk-ant-{_U}{{16}}{_U}*", "sk-ant-"),
    Family("openrouter_key", rf"sk-or-{_U}{{16}}{_U}*", "sk-or-"),
    Family("langfuse_key", rf"[sp]k-lf-{_H}{{8}}-{_U}{{20}}{_U}*", "k-lf-"),
    Family("openai_key", rf"sk-(?:proj|svcacct|admin|None)-{_U}{{16}}{_U}*", "sk-"),
    Family("hugging_face_token", rf"(?:hf|api_org)_{_W}{{30}}{_W}*", "_"),
    Family("replicate_token", rf"r8_{_W}{{37}}", "r8_"),
    Family("groq_key", rf"gsk_{_W}{{40}}{_W}*", "gsk_"),
    Family("xai_key", rf"xai-{_W}{{60}}{_W}*", "xai-"),
    Family("perplexity_key", rf"pplx-{_W}{{32}}{_W}*", "pplx-"),
    Family("cohere_key", _beside("cohere|co_api", rf"{_W}{{40}}"), "co"),
    Family("mistral_key", _beside("mistral", rf"{_W}{{32}}"), "mistral"),
    Family("together_key", rf"tgp_v1_{_U}{{40}}{_U}*", "tgp_v1_"),
    Family("langsmith_key", rf"ls(?:v2_(?:pt|sk)|__)_?{_H}{{32}}(?:_{_H}{{10}})?", "ls"),
    Family("pinecone_key", r"pcsk_[A-Za-z0-9_]{40}[A-Za-z0-9_]*", "pcsk_"),
    Family("fireworks_key", rf"fw_{_W}{{22}}{_W}*", "fw_"),
    Family("nvidia_key", rf"nvapi-{_U}{{40}}{_U}*", "nvapi-"),
    Family("databricks_token", rf"dapi{_H}{{32}}(?:-[0-9])?", "dapi"),
    Family("elevenlabs_key", rf"sk_{_H}{{48}}\b", "sk_"),
    Family("tavily_key", rf"tvly-(?:dev-|prod-)?{_U}{{20}}{_U}*", "tvly-"),
    Family("firecrawl_key", rf"fc-{_H}{{32}}\b", "fc-"),
    Family("weights_and_biases_key", _beside("wandb|weights.{1,5}biases", f"{_H}{{40}}"), "k"),
    Family("voyage_key", rf"pa-{_U}{{40}}{_U}*", "pa-", _has_digit),
)
REGISTRIES = (
    Family("npm_token", rf"npm_{_W}{{30}}{_W}*", "npm_"),
    Family("npm_auth", r"_auth(?:Token)?=\"?([A-Za-z0-9+/=_-]{16}[A-Za-z0-9+/=_-]*)", "_auth", as_word=False),
    Family("pypi_token", rf"pypi-AgE{_U}{{40}}{_U}*", "pypi-age"),
    Family("rubygems_key", rf"rubygems_{_H}{{48}}", "rubygems_"),
    Family("docker_token", rf"dckr_(?:pat|oat)_{_U}{{24}}{_U}*", "dckr_"),
    Family("nuget_key", r"oy2[a-z0-9]{43}\b", "oy2"),
    Family("cargo_token", rf"cio{_W}{{32}}\b", "cio"),
    Family("artifactory_key", rf"AKCp{_W}{{60}}{_W}*", "akcp"),
    Family("artifactory_reference_token", rf"cmVmdGtu{_W}{{48}}{_W}*", "cmvmdgtu"),
    Family("clojars_token", rf"CLOJARS_{_W}{{60}}", "clojars_"),
)
MONITORING = (
    Family("datadog_key", _beside("datadog|dd", rf"{_H}{{32}}(?:{_H}{{8}})?"), "d"),
    Family("new_relic_key", r"NR(?:AK|AA|II|IQ|RA|JS)-[A-Za-z0-9_-]{19}[A-Za-z0-9_-]*", "nr"),
    Family("new_relic_licence", rf"(?:eu01xx)?{_H}{{34}}(?:NRAL|{_H}{{2}}NRAL)", "nral"),
    Family("sentry_token", r"sntry[sua]_[A-Za-z0-9+/=_-]{40}[A-Za-z0-9+/=_-]*", "sntry"),
    Family("sentry_dsn", rf"https?://({_H}{{32}}(?::{_H}{{32}})?)@", "://"),
    Family("grafana_token", r"gl(?:sa|c)_[A-Za-z0-9+/=_]{32}[A-Za-z0-9+/=_]*", "gl"),
    Family("dynatrace_token", r"dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}", "dt0"),
    Family("pagerduty_key", _beside("pager.?duty|pd", r"[A-Za-z0-9_+-]{20}|[0-9a-f]{32}"), "d"),
    Family("honeycomb_key", rf"hc[abx][ilm]k_{_W}{{50}}{_W}*", "hc"),
    Family("opsgenie_key", _beside("opsgenie", f"{_H}{{8}}(?:-{_H}{{4}}){{3}}-{_H}{{12}}"), "opsgenie"),
    Family("splunk_hec_token", _beside("splunk|hec", f"{_H}{{8}}(?:-{_H}{{4}}){{3}}-{_H}{{12}}"), "k"),
    Family("sonar_token", rf"sq[pua]_{_H}{{40}}", "sq"),
    Family("snyk_token", _beside("snyk", f"{_H}{{8}}(?:-{_H}{{4}}){{3}}-{_H}{{12}}"), "snyk"),
    Family("posthog_key", rf"ph[cxs]_{_W}{{32}}{_W}*", "ph"),
)
MESSAGES = (
    Family("sendgrid_key", rf"SG\.{_U}{{16,32}}\.{_U}{{30}}{_U}*", "sg."),
    Family("mailgun_key", rf"key-{_H}{{32}}\b", "key-"),
    Family("mailgun_private_key", rf"{_H}{{32}}-{_H}{{8}}-{_H}{{8}}\b", "-"),
    Family("mailchimp_key", rf"{_H}{{32}}-us[0-9]{{1,2}}\b", "-us"),
    Family("twilio_key", rf"(?:SK|AC){_H}{{32}}\b", ""),
    Family("twilio_auth_token", _beside("twilio", f"{_H}{{32}}"), "twilio"),
    Family("postmark_token", _beside("postmark", f"{_H}{{8}}(?:-{_H}{{4}}){{3}}-{_H}{{12}}"), "postmark"),
    Family("brevo_key", rf"x(?:keysib|smtpsib)-{_H}{{64}}-{_W}{{16}}", "sib-"),
    Family("resend_key", rf"re_{_W}{{8}}_{_W}{{20}}{_W}*", "re_"),
    Family("vonage_secret", _beside("vonage|nexmo", rf"{_W}{{16}}"), "o"),
)
INFRASTRUCTURE = (
    Family("vault_token", rf"hv[sbr]\.{_U}{{24}}{_U}*", "hv"),
    Family("vault_legacy_token", rf"s\.{_W}{{24}}\b", "s.", _has_digit),
    Family("terraform_cloud_token", rf"{_W}{{14}}\.atlasv1\.{_U}{{60}}{_U}*", ".atlasv1."),
    Family("doppler_token", rf"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:{_U}{{2,35}}\.)?{_W}{{40}}{_W}*", "dp."),
    Family("pulumi_token", rf"pul-{_H}{{40}}", "pul-"),
    Family("fastly_token", _beside("fastly", rf"{_U}{{32}}"), "fastly"),
    Family("netlify_token", rf"nf[pcoub]_{_W}{{36}}{_W}*", "nf"),
    Family("vercel_token", rf"vc[pkira]_{_W}{{24}}{_W}*", "vc"),
    Family("vercel_keyed_token", _beside("vercel", rf"{_W}{{24}}"), "vercel"),
    Family("supabase_token", rf"sb(?:p|_secret|_publishable)_{_U}{{20}}{_U}*", "sb"),
    Family("planetscale_token", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32}[A-Za-z0-9_.=-]*", "pscale_"),
    Family("linear_key", rf"lin_(?:api|oauth)_{_W}{{40}}{_W}*", "lin_"),
    Family("notion_token", rf"(?:ntn|secret)_{_W}{{40}}{_W}*", "_"),
    Family("airtable_token", rf"pat{_W}{{14}}\.{_H}{{64}}", "pat"),
    Family(
        "atlassian_token",
        r"ATATT3[A-Za-z0-9_=-]{60}[A-Za-z0-9_=-]*|ATCTT3[A-Za-z0-9_=-]{60}[A-Za-z0-9_=-]*",
        "tt3",
    ),
    Family("figma_token", rf"fig[dou][rh]?_{_U}{{40}}{_U}*", "fig"),
    Family("postman_key", rf"PMAK-{_H}{{24}}-{_H}{{34}}", "pmak-"),
    Family("okta_token", rf"(?i:ssws )({_U}{{40}}{_U}*)", "ssws"),
    Family("okta_keyed_token", _beside("okta", rf"00{_U}{{40}}"), "okta"),
    Family("auth0_secret", _beside("auth0", rf"{_U}{{48}}{_U}*"), "auth0"),
    Family("age_key", r"AGE-SECRET-KEY-1[A-Z0-9]{58}", "age-secret-key-"),
    Family(
        "onepassword_key",
        r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}",
        "a3-",
    ),
    Family("onepassword_service_token", rf"ops_eyJ{_B}{{60}}{_B}*={{0,2}}", "ops_eyj"),
    Family("hubspot_token", rf"pat-(?:na|eu|ap)[0-9]-{_H}{{8}}(?:-{_H}{{4}}){{3}}-{_H}{{12}}", "pat-"),
    Family("dropbox_token", rf"sl\.(?:u\.)?{_U}{{60}}{_U}*", "sl."),
    Family("facebook_app_token", rf"[0-9]{{13,17}}\|{_U}{{27}}\b", "|"),
    Family("mapbox_secret", rf"[ps]k\.eyJ{_W}{{20}}[A-Za-z0-9._-]*", "k.eyj"),
    Family("tailscale_key", rf"tskey-[a-z]{{2,10}}-{_U}{{16}}{_U}*", "tskey-"),
    Family("openshift_token", rf"sha256~{_U}{{43}}", "sha256~"),
    Family("readme_key", r"rdme_[a-z0-9]{60}[a-z0-9]*", "rdme_"),
    Family("contentful_token", rf"CFPAT-{_U}{{43}}", "cfpat-"),
    Family("launchdarkly_key", rf"(?:sdk|api|mob)-{_H}{{8}}(?:-{_H}{{4}}){{3}}-{_H}{{12}}", "-"),
    Family("duffel_token", rf"duffel_(?:test|live)_{_U}{{43}}", "duffel_"),
    Family("algolia_key", _beside("algolia", f"{_H}{{32}}"), "algolia"),
    Family("aws_signature", rf"(?i:signature)=({_H}{{64}})\b", "signature="),
)
FORMS = (
    Family("json_web_token", rf"eyJ{_U}{{8}}{_U}*(?:\.{_U}*){{0,4}}", "eyj", _has_parts),
    Family("bcrypt_hash", r"\$2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{53}", "$2", as_word=False),
    Family(
        "crypt_hash",
        r"\$(?:1|5|6|7|y|gy|apr1|argon2(?:id|i|d)|scrypt|pbkdf2[a-z0-9-]{0,10})\$[A-Za-z0-9./$=,+-]{20}[A-Za-z0-9./$=,+-]*",
        "$",
        as_word=False,
    ),
    Family(
        "ldap_hash",
        r"\{(?:S?SHA(?:256|512)?|S?MD5|CRYPT)\}[A-Za-z0-9+/=.$]{20}[A-Za-z0-9+/=.$]*",
        "}",
        as_word=False,
    ),
    Family(
        "django_hash", r"pbkdf2_sha(?:1|256)\$[0-9]{2,8}\$[A-Za-z0-9+/=.$]{20}[A-Za-z0-9+/=.$]*", "pbkdf2_"
    ),
    Family("provider_key", rf"(?:sk|pk|rk)[-_]{_U}{{16}}{_U}*", "k", _has_digit),
)
FAMILIES: tuple[Family, ...] = (
    *(*CLOUD, *SOURCE_HOSTING, *CHAT, *PAYMENT, *LLM_VENDORS, *REGISTRIES, *MONITORING, *MESSAGES),
    *(*INFRASTRUCTURE, *FORMS),
)
