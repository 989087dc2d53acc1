# An OpenBao server whose seal is a key of Sesame. run.py fills in the address, the key and the directory.
seal "alicloudkms" {
  region     = "cn-hangzhou"
  access_key = "test"
  secret_key = "test"
  domain     = "localhost:7070"
  kms_key_id = "alias/openbao"
}

storage "raft" {
  path    = "data"
  node_id = "one"
}

api_addr     = "http://127.0.0.1:8200"
cluster_addr = "http://127.0.0.1:8201"

listener "tcp" {
  address     = "127.0.0.1:8200"
  tls_disable = true
}
