terraform {
  required_version = ">= 1.5"
  required_providers {
    alicloud = {
      source  = "aliyun/alicloud"
      version = "~> 1.277"
    }
  }
}

provider "alicloud" {
  region     = "cn-hangzhou"
  access_key = "test"
  secret_key = "test"
  protocol   = "HTTP"

  # Otherwise it asks the cloud's billing service for the type of the account.
  account_type           = "Domestic"
  skip_region_validation = true

  endpoints {
    kms = "127.0.0.1:7070"
  }
}

resource "alicloud_kms_secret" "db" {
  secret_name                   = "examples/terraform"
  version_id                    = "v1"
  secret_data                   = "first"
  description                   = "made by terraform"
  recovery_window_in_days       = 7
  force_delete_without_recovery = true
}

output "arn" {
  value = alicloud_kms_secret.db.arn
}
