# The webhook on Datadog's side, where Terraform is to make it: the same payload as by hand, from the
# one file that the function reads it by. The token is in no file and no state: Datadog puts the
# value of its own hidden variable, EVALFORGE_TOKEN, into the header.
resource "datadog_webhook" "evalforge" {
  count = var.datadog_webhook ? 1 : 0

  name           = "evalforge"
  url            = module.receive_alert.uri
  encode_as      = "json"
  payload        = file("${local.root}/functions/receive_alert/payload.json")
  custom_headers = jsonencode({ "X-EvalForge-Token" = "$EVALFORGE_TOKEN" })
}
