// Secrets of the five managed types: made, rotated at once and by the clock, failed on purpose and mended, with the KMS SDK of Go.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strings"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	kms "github.com/alibabacloud-go/kms-20160120/v3/client"
	"github.com/alibabacloud-go/tea/dara"
)

const week, window = 604800, 172800

var (
	passed, failed int
	endpoint       = strings.TrimSuffix(from("KMS_ENDPOINT", "http://127.0.0.1:38081"), "/")
	client         *kms.Client
	secrets        []*secret
)

type secret struct{ kind, name, value, version, members string }

type object = map[string]interface{}

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

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func admin(method, path string, body any) []byte {
	request := must(http.NewRequest(method, endpoint+"/_sesame/"+path, bytes.NewReader(must(json.Marshal(body)))))
	if token := os.Getenv("ADMIN_TOKEN"); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer := must(http.DefaultClient.Do(request))
	defer answer.Body.Close()
	text := must(io.ReadAll(answer.Body))
	if answer.StatusCode >= 300 {
		panic(fmt.Sprintf("%s: %d %s", path, answer.StatusCode, text))
	}
	return text
}

// What became of the rotations that were due.
func advance(seconds int) string {
	var answer struct {
		Rotations struct{ Done, Failed, Running int }
	}
	if err := json.Unmarshal(admin("POST", "clock", object{"advance_seconds": seconds}), &answer); err != nil {
		panic(err)
	}
	return fmt.Sprintf("%d done, %d failed, %d running", answer.Rotations.Done, answer.Rotations.Failed, answer.Rotations.Running)
}

func members(text string) string {
	var value map[string]string
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return err.Error()
	}
	names := []string{}
	for name := range value {
		names = append(names, name)
	}
	sort.Strings(names)
	return strings.Join(names, " ")
}

func get(name, stage string) (string, string) {
	body := must(client.GetSecretValue(new(kms.GetSecretValueRequest).SetSecretName(name).SetVersionStage(stage))).Body
	return dara.StringValue(body.SecretData), dara.StringValue(body.VersionId)
}

func plan(name string) *kms.DescribeSecretResponseBody {
	return must(client.DescribeSecret(new(kms.DescribeSecretRequest).SetSecretName(name))).Body
}

func create(kind, name string, config object, data, wanted string) {
	made := must(client.CreateSecret(new(kms.CreateSecretRequest).SetSecretName(name).SetVersionId("v1").SetSecretType(kind).
		SetSecretData(data).SetExtendedConfig(config))).Body
	s := &secret{kind: kind, name: dara.StringValue(made.SecretName), members: wanted}
	secrets = append(secrets, s)
	check(kind+" is made without a plan", dara.StringValue(made.AutomaticRotation), "Disabled")
	got := must(client.GetSecretValue(new(kms.GetSecretValueRequest).SetSecretName(s.name).SetFetchExtendedConfig(true))).Body
	s.value, s.version = dara.StringValue(got.SecretData), dara.StringValue(got.VersionId)
	check(kind+" shows its type", dara.StringValue(got.SecretType), kind)
	check(kind+" has the members", members(s.value), wanted)
	var shown object
	_ = json.Unmarshal([]byte(dara.StringValue(got.ExtendedConfig)), &shown)
	check(kind+" shows its configuration", shown["SecretSubType"], config["SecretSubType"])
}

// What was current is previous, and ACSCurrent is on another value.
func (s *secret) changed(how, wanted string) {
	value, version := get(s.name, "ACSCurrent")
	old, oldVersion := get(s.name, "ACSPrevious")
	check(s.kind+" has a new value "+how, value != s.value && version != s.version, true)
	check(s.kind+" has the same members "+how, members(value), s.members)
	check(s.kind+" keeps the old value as previous "+how, oldVersion+" "+old, s.version+" "+s.value)
	if wanted != "" {
		check(s.kind+" has the version that was asked for "+how, version, wanted)
	}
	s.value, s.version = value, version
}

func (s *secret) rotate(version string) {
	must(client.RotateSecret(new(kms.RotateSecretRequest).SetSecretName(s.name).SetVersionId(version)))
}

func scenario() {
	defer func() {
		if problem := recover(); problem != nil {
			check("rotation", problem, "no error")
		}
	}()
	accounts := "AccountName AccountPassword"
	create("Rds", "rotated/rds-go", object{"SecretSubType": "DoubleUsers", "DBInstanceId": "rm-1"}, `{"Accounts":[{"AccountName":"app","AccountPassword":"first-Secret1"}]}`, accounts)
	create("Redis", "rotated/redis-go", object{"SecretSubType": "DoubleUsers", "InstanceId": "r-3", "RegionId": "cn-hangzhou", "AccountName": "app",
		"CloneAccountName": "app_clone", "AccountPrivilege": "RoleReadWrite"}, "$Auto", accounts)
	create("PolarDB", "rotated/polardb-go", object{"SecretSubType": "DoubleUsers", "DBClusterId": "pc-3", "RegionId": "cn-hangzhou", "DBType": "MySQL",
		"AccountName": "app", "CloneAccountName": "app_clone", "AccountType": "Normal"}, "$Auto", accounts)
	create("ECS", "acs/ecs/rotated-go", object{"SecretSubType": "Password", "InstanceId": "i-1", "RegionId": "cn-hangzhou"}, `{"UserName":"root","Password":"first-Secret1"}`, "Password UserName")
	create("RAMCredentials", "$Auto", object{"SecretSubType": "RamUserAccessKey", "UserName": "rotated-go"},
		`{"AccessKeys":[{"AccessKeyId":"LTAI5tRotatedGo","AccessKeySecret":"first-secret"}]}`, "AccessKeyId AccessKeySecret GenerateTimestamp")
	for _, s := range secrets {
		s.rotate("r1")
		s.changed("at once", "r1")
	}
	// The window of the two AccessKeys must be over before the next change.
	check("nothing is due without a plan", advance(window), "0 done, 0 failed, 0 running")
	for _, s := range secrets {
		must(client.UpdateSecretRotationPolicy(new(kms.UpdateSecretRotationPolicyRequest).SetSecretName(s.name).SetEnableAutomaticRotation(true).SetRotationInterval("7d")))
		now := plan(s.name)
		check(s.kind+" has a plan", dara.StringValue(now.AutomaticRotation)+" "+dara.StringValue(now.RotationInterval), "Enabled 604800s")
	}
	check("all are rotated by the clock", advance(week), "5 done, 0 failed, 0 running")
	for _, s := range secrets {
		s.changed("by the clock", "")
	}
	check("nothing is due after two days", advance(window), "0 done, 0 failed, 0 running")
	admin("PUT", "faults", []object{{"action": "RotateSecret", "code": "Kms:TargetRefused"}})
	check("all fail on purpose", advance(week), "0 done, 5 failed, 0 running")
	for _, s := range secrets {
		check(s.kind+" is Invalid", dara.StringValue(plan(s.name).AutomaticRotation), "Invalid")
		value, version := get(s.name, "ACSCurrent")
		check(s.kind+" keeps its value", version+" "+value, s.version+" "+s.value)
	}
	admin("PUT", "faults", []object{})
	check("an Invalid plan is not due", advance(week), "0 done, 0 failed, 0 running")
	for _, s := range secrets {
		s.rotate("r2")
		s.changed("when mended", "r2")
		check(s.kind+" is Enabled again", dara.StringValue(plan(s.name).AutomaticRotation), "Enabled")
	}
}

func main() {
	scheme, host, _ := strings.Cut(endpoint, "://")
	client = must(kms.NewClient(&openapi.Config{AccessKeyId: dara.String(from("KMS_AK", "testid")), AccessKeySecret: dara.String(from("KMS_SK", "testsecret")),
		RegionId: dara.String(from("KMS_REGION", "cn-hangzhou")), Endpoint: &host, Protocol: &scheme}))
	scenario()
	admin("PUT", "faults", []object{})
	admin("POST", "clock", object{"resume": true})
	for _, s := range secrets {
		_, err := client.DeleteSecret(new(kms.DeleteSecretRequest).SetSecretName(s.name).SetForceDeleteWithoutRecovery("true"))
		check(s.kind+" is removed", err, nil)
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
