// The official Go SDK creates a secret of each managed type, rotates it at once, by the clock and in vain, and mends it.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	kms "github.com/alibabacloud-go/kms-20160120/v3/client"
	"github.com/alibabacloud-go/tea/dara"
)

var (
	passed, failed int
	endpoint       = strings.TrimSuffix(from("KMS_ENDPOINT", "http://127.0.0.1:38081"), "/")
	region         = from("KMS_REGION", "cn-hangzhou")
	name           = fmt.Sprintf("accept-go-%d", time.Now().UnixNano())
	client         = made()
)

type config map[string]any

func from(variable, otherwise string) string {
	if value := os.Getenv(variable); value != "" {
		return value
	}
	return otherwise
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

func must(what string, err error) {
	if err != nil {
		check(what, err.Error(), "no error")
		fmt.Printf("%d passed, %d failed\n", passed, failed)
		os.Exit(1)
	}
}

func made() *kms.Client {
	scheme, host, _ := strings.Cut(endpoint, "://")
	id, secret := from("KMS_AK", "testid"), from("KMS_SK", "testsecret")
	client, err := kms.NewClient(&openapi.Config{AccessKeyId: &id, AccessKeySecret: &secret, RegionId: &region, Endpoint: &host, Protocol: &scheme})
	must("client", err)
	return client
}

// Asks the administration; the counts of rotations in its answer.
func admin(method, path, body string) (done, failed, running float64) {
	request, err := http.NewRequest(method, endpoint+"/_sesame/"+path, strings.NewReader(body))
	must(path, err)
	answer, err := http.DefaultClient.Do(request)
	must(path, err)
	defer answer.Body.Close()
	var read struct{ Rotations map[string]float64 }
	if path == "clock" {
		must(path, json.NewDecoder(answer.Body).Decode(&read))
	}
	check(method+" "+path, answer.StatusCode < 300, true)
	return read.Rotations["done"], read.Rotations["failed"], read.Rotations["running"]
}

func value(name, stage string) *kms.GetSecretValueResponseBody {
	request := new(kms.GetSecretValueRequest).SetSecretName(name).SetVersionStage(stage).SetFetchExtendedConfig(true)
	answer, err := client.GetSecretValue(request)
	must("value of "+name, err)
	return answer.Body
}

func plan(name string) string {
	answer, err := client.DescribeSecret(new(kms.DescribeSecretRequest).SetSecretName(name))
	must("describe "+name, err)
	return dara.StringValue(answer.Body.AutomaticRotation)
}

func rotate(name, version string) string {
	answer, err := client.RotateSecret(new(kms.RotateSecretRequest).SetSecretName(name).SetVersionId(version))
	must("rotate "+name, err)
	return dara.StringValue(answer.Body.VersionId)
}

func main() {
	two := func(of config) config {
		of["SecretSubType"], of["RegionId"], of["AccountName"], of["CloneAccountName"] = "DoubleUsers", region, "app", "app_clone"
		return of
	}
	types := []struct {
		kind, name, data string
		config           config
	}{
		{"Rds", name + "/rds", `{"Accounts":[{"AccountName":"app","AccountPassword":"first"}]}`, config{"SecretSubType": "SingleUser", "DBInstanceId": "rm-1"}},
		{"Redis", name + "/redis", "$Auto", two(config{"InstanceId": name, "AccountPrivilege": "RoleReadWrite"})},
		{"PolarDB", name + "/polar", "$Auto", two(config{"DBClusterId": name, "DBType": "MySQL", "AccountType": "Normal"})},
		{"ECS", "acs/ecs/" + name, `{"UserName":"root","PublicKey":"ssh-rsa A","PrivateKey":"first"}`, config{"SecretSubType": "SSHKey", "InstanceId": "i-1", "RegionId": region}},
		{"RAMCredentials", "$Auto", `{"AccessKeys":[{"AccessKeyId":"rotating-go-key","AccessKeySecret":"rotating-go-secret"}]}`, config{"SecretSubType": "RamUserAccessKey", "UserName": "rotating-go"}},
	}
	admin("DELETE", "faults", "")
	var names []string
	for _, one := range types {
		created, err := client.CreateSecret(new(kms.CreateSecretRequest).SetSecretName(one.name).SetVersionId("v1").SetSecretType(one.kind).
			SetSecretData(one.data).SetExtendedConfig(one.config).SetEnableAutomaticRotation(true).SetRotationInterval("7d"))
		must("create "+one.kind, err)
		check(one.kind+": plan", dara.StringValue(created.Body.AutomaticRotation)+" "+dara.StringValue(created.Body.RotationInterval), "Enabled 604800s")
		name := dara.StringValue(created.Body.SecretName)
		names = append(names, name)
		first := value(name, "ACSCurrent")
		var kept config
		must(one.kind+": its configuration", json.Unmarshal([]byte(dara.StringValue(first.ExtendedConfig)), &kept))
		check(one.kind+": subtype", kept["SecretSubType"], one.config["SecretSubType"])
		check(one.kind+": rotated", rotate(name, "v2"), "v2")
		second := value(name, "ACSCurrent")
		check(one.kind+": new value", *second.SecretData != *first.SecretData && *second.VersionId == "v2", true)
		check(one.kind+": the old one is previous", *value(name, "ACSPrevious").SecretData, *first.SecretData)
	}
	done, bad, running := admin("POST", "clock", `{"advance_seconds":691200}`)
	check("by the clock", fmt.Sprint(done >= 5, bad, running), "true 0 0")
	admin("PUT", "faults", `[{"action":"RotateSecret","code":"Kms:TargetRefused"}]`)
	done, bad, _ = admin("POST", "clock", `{"advance_seconds":864000}`)
	check("failed on purpose", fmt.Sprint(done, bad >= 5), "0 true")
	for _, name := range names {
		check(name+": its plan", plan(name), "Invalid")
	}
	admin("DELETE", "faults", "")
	for _, name := range names {
		rotate(name, "v-mended")
		check(name+": mended", plan(name), "Enabled")
	}
	_, err := client.UpdateSecretRotationPolicy(new(kms.UpdateSecretRotationPolicyRequest).SetSecretName(names[4]).SetEnableAutomaticRotation(false))
	check("the window of the AccessKey", err != nil && strings.Contains(err.Error(), "Rejected.ResourceInUse"), true)
	admin("POST", "clock", `{"advance_seconds":176400}`)
	for _, name := range names {
		changed, err := client.UpdateSecretRotationPolicy(new(kms.UpdateSecretRotationPolicyRequest).SetSecretName(name).SetEnableAutomaticRotation(false))
		must("switch off", err)
		check(name+": switched off", dara.StringValue(changed.Body.SecretName)+" "+plan(name), name+" Disabled")
		_, err = client.DeleteSecret(new(kms.DeleteSecretRequest).SetSecretName(name).SetForceDeleteWithoutRecovery("true"))
		must("delete", err)
	}
	admin("POST", "clock", `{"resume":true}`)
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
