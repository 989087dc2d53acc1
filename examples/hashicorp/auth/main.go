// HashiCorp's vault-plugin-auth-alicloud: someone with a role of Sesame logs in to Vault, and Vault asks STS who that is.
// The plugin only asks sts.<region>.aliyuncs.com. SESAME_PROXY is a proxy that sends this name to Sesame (examples/cloud-names),
// SSL_CERT_FILE contains the CA.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/sts"
	alicloud "github.com/hashicorp/vault-plugin-auth-alicloud"
	"github.com/hashicorp/vault-plugin-auth-alicloud/tools"
	"github.com/hashicorp/vault/sdk/logical"
)

const (
	region = "cn-hangzhou"
	role   = "acs:ram::1000000000000001:role/app"
)

func must[T any](answer T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return answer
}

func session() *credentials.StsTokenCredential {
	client := must(sts.NewClientWithAccessKey(region, "test", "test-secret"))
	request := sts.CreateAssumeRoleRequest()
	request.Scheme, request.Domain = "HTTP", strings.TrimPrefix(os.Getenv("SESAME_URL"), "http://")
	request.RoleArn, request.RoleSessionName = role, "vault"
	got := must(client.AssumeRole(request)).Credentials
	return credentials.NewStsTokenCredential(got.AccessKeyId, got.AccessKeySecret, got.SecurityToken)
}

func main() {
	ctx, storage := context.Background(), &logical.InmemStorage{}
	backend := must(alicloud.Factory(ctx, &logical.BackendConfig{
		StorageView: storage,
		System:      &logical.StaticSystemView{DefaultLeaseTTLVal: time.Hour, MaxLeaseTTLVal: time.Hour},
	}))
	call := func(path string, data map[string]any) (*logical.Response, error) {
		return backend.HandleRequest(ctx, &logical.Request{Operation: logical.UpdateOperation, Path: path, Storage: storage, Data: data, Connection: &logical.Connection{RemoteAddr: "127.0.0.1"}})
	}
	write := func(path string, data map[string]any) {
		answer, err := backend.HandleRequest(ctx, &logical.Request{Operation: logical.CreateOperation, Path: path, Storage: storage, Data: data})
		if err != nil || answer.IsError() {
			log.Fatal(path, answer, err)
		}
	}
	write("role/app", map[string]any{"arn": role, "token_policies": "dev"})
	write("role/other", map[string]any{"arn": "acs:ram::1000000000000001:role/other"})

	// The caller's side. It captures the signed request with its own proxy, with which HTTPS_PROXY would interfere.
	data := func(role string, who *credentials.StsTokenCredential) map[string]any {
		return must(tools.GenerateLoginData(role, who, region))
	}
	right, wrong := data("app", session()), data("other", session())
	forged := data("app", credentials.NewStsTokenCredential("STS.forged", "secret", "token"))

	// Vault's side.
	os.Setenv("HTTPS_PROXY", os.Getenv("SESAME_PROXY"))
	login := must(call("login", right))
	if login.IsError() || login.Auth == nil || login.Auth.Metadata["arn"] != "acs:ram::1000000000000001:assumed-role/app/vault" {
		log.Fatal("no login: ", login)
	}
	fmt.Println("logged in:", login.Auth.Metadata["arn"], login.Auth.Policies)

	if answer, err := call("login", wrong); err == nil && !answer.IsError() {
		log.Fatal("logged in with the role of another")
	}
	answer, err := call("login", forged)
	if err == nil && !answer.IsError() {
		log.Fatal("logged in with forged credentials")
	}
	fmt.Println("refused:", err)
}
