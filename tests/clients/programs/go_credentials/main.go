// The official credential providers of Go, which ask STS over https, and the KMS SDK that signs with what they got.
// A private CA goes into SSL_CERT_FILE.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	kms "github.com/alibabacloud-go/kms-20160120/v3/client"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/alibabacloud-go/tea/tea"
	"github.com/aliyun/credentials-go/credentials"
)

const account = "1000000000000001"

var (
	passed, failed int
	scheme, host   = endpoint()
	root           = key{from("KMS_AK", "testid"), from("KMS_SK", "testsecret")}
	deployer       = key{"LTAI5tDeployerExample", "deployer-secret"}
	reader         = key{"LTAI5tReaderExample", "reader-secret"}
	name           = fmt.Sprintf("accept/go-%d", time.Now().UnixNano())
	mine, other    = "team-a/" + name, "team-b/" + name
)

type key struct{ id, secret string }

func from(variable, otherwise string) string {
	if value := os.Getenv(variable); value != "" {
		return value
	}
	return otherwise
}

func endpoint() (string, string) {
	scheme, host, _ := strings.Cut(from("KMS_ENDPOINT", "http://127.0.0.1:38081"), "://")
	return scheme, strings.TrimSuffix(host, "/")
}

func check(what string, got, want any) {
	if got == want {
		passed++
		fmt.Println("ok  ", what)
		return
	}
	failed++
	fmt.Printf("FAIL %s: got %.300v, want %v\n", what, got, want)
}

func role(name string) string { return "acs:ram::" + account + ":role/" + name }

// A provider, configured further by the caller.
func byRole(name string, key key) *credentials.Config {
	return new(credentials.Config).SetType("ram_role_arn").SetAccessKeyId(key.id).SetAccessKeySecret(key.secret).
		SetRoleArn(role(name)).SetRoleSessionName("go-1").SetSTSEndpoint(from("STS_HOST", "localhost:8443"))
}

func byToken(token string) *credentials.Config {
	return new(credentials.Config).SetType("oidc_role_arn").SetRoleArn(role("workload")).SetRoleSessionName("pod-1").
		SetOIDCProviderArn("acs:ram::" + account + ":oidc-provider/cluster").SetSTSEndpoint(from("STS_HOST", "localhost:8443")).
		SetOIDCTokenFilePath(filepath.Join(from("OIDC_DIR", "."), token+".jwt"))
}

func made(config *credentials.Config) credentials.Credential {
	credential, err := credentials.NewCredential(config)
	if err != nil {
		check("credential", err.Error(), "no error")
		os.Exit(1)
	}
	return credential
}

// The code in the answer that the library puts into its error text, or the text.
func refused(config *credentials.Config, code string) string {
	_, err := made(config).GetCredential()
	if err == nil {
		return "answered"
	}
	if strings.Contains(err.Error(), `"`+code+`"`) {
		return code
	}
	return err.Error()
}

func client(config openapi.Config) *kms.Client {
	config.RegionId, config.Endpoint, config.Protocol = dara.String(from("KMS_REGION", "cn-hangzhou")), &host, &scheme
	client, err := kms.NewClient(&config)
	if err != nil {
		check("client", err.Error(), "no error")
		os.Exit(1)
	}
	return client
}

// The value, or the code of the refusal.
func get(config *credentials.Config, name string) string {
	answer, err := client(openapi.Config{Credential: made(config)}).GetSecretValue(new(kms.GetSecretValueRequest).SetSecretName(name))
	if err != nil {
		return code(err)
	}
	return dara.StringValue(answer.Body.SecretData)
}

func code(err error) string {
	var coded *tea.SDKError
	if errors.As(err, &coded) {
		return dara.StringValue(coded.Code)
	}
	return err.Error()
}

func text(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

func main() {
	owner := client(openapi.Config{AccessKeyId: &root.id, AccessKeySecret: &root.secret})
	for _, name := range []string{mine, other} {
		_, err := owner.CreateSecret(new(kms.CreateSecretRequest).SetSecretName(name).SetVersionId("v1").SetSecretData("value"))
		check("root makes "+name, text(err), "")
	}
	got, err := made(byRole("app", deployer)).GetCredential()
	check("assume", text(err), "")
	if err == nil {
		check("key", strings.HasPrefix(*got.AccessKeyId, "STS.") && *got.AccessKeySecret != "" && *got.SecurityToken != "", true)
		check("provider", *got.ProviderName, "ram_role_arn/static_ak")
	}
	check("reads", get(byRole("app", deployer), mine), "value")
	check("reads elsewhere", get(byRole("app", deployer), other), "Forbidden.NoPermission")
	narrow := `{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:GetSecretValue","Resource":"acs:kms:*:*:secret/` + other + `"}]}`
	check("narrowed", get(byRole("app", deployer).SetPolicy(narrow), mine), "Forbidden.NoPermission")
	check("external id", get(byRole("partner", deployer).SetExternalId("abcd1234"), mine), "value")
	for _, row := range []struct {
		what, code string
		config     *credentials.Config
	}{
		{"unknown role", "EntityNotExist.Role", byRole("nobody", deployer)},
		{"root", "NoPermission", byRole("app", root)},
		{"no permission", "NoPermission", byRole("app", reader)},
		{"not trusted", "NoPermission", byRole("closed", deployer)},
		{"two days", "InvalidParameter.DurationSeconds", byRole("app", deployer).SetRoleSessionExpiration(172800)},
		{"wrong secret", "SignatureDoesNotMatch", byRole("app", key{deployer.id, "wrong"})},
		{"oidc expired", "AuthenticationFail.OIDCToken.Expired", byToken("expired")},
		{"oidc audience", "AuthenticationFail.OIDCToken.AudienceNotMatch", byToken("audience")},
		{"oidc forged", "AuthenticationFail.OIDCToken.InvalidSignature", byToken("forged")},
		{"oidc subject", "AuthenticationFail.NoPermission", byToken("subject")},
	} {
		check(row.what, refused(row.config, row.code), row.code)
	}
	got, err = made(byToken("orders")).GetCredential()
	check("oidc", text(err), "")
	if err == nil {
		check("oidc key", strings.HasPrefix(*got.AccessKeyId, "STS.") && *got.SecurityToken != "", true)
	}
	check("oidc reads", get(byToken("orders"), mine), "value")
	check("oidc reads elsewhere", get(byToken("orders"), other), "Forbidden.NoPermission")
	check("oidc token with a line feed", get(byToken("two-audiences"), mine), "value")
	for _, name := range []string{mine, other} {
		_, err := owner.DeleteSecret(new(kms.DeleteSecretRequest).SetSecretName(name).SetForceDeleteWithoutRecovery("true"))
		check("root removes "+name, text(err), "")
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
