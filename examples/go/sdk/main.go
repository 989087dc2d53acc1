// The official Go SDK: create, read, put, read the previous version.
package main

import (
	"fmt"
	"log"
	"os"
	"strings"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	kms "github.com/alibabacloud-go/kms-20160120/v3/client"
	"github.com/alibabacloud-go/tea/dara"
)

func must[T any](answer T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return answer
}

func main() {
	url := os.Getenv("SESAME_URL")
	if url == "" {
		url = "http://127.0.0.1:7070"
	}
	// Scheme and host are separate settings: this client does not accept a URL as endpoint.
	scheme, host, _ := strings.Cut(url, "://")
	client := must(kms.NewClient(&openapi.Config{
		AccessKeyId: dara.String("test"), AccessKeySecret: dara.String("test"), RegionId: dara.String("cn-hangzhou"),
		Endpoint: &host, Protocol: &scheme, ReadTimeout: dara.Int(10000), // by default it waits for ever
	}))
	name := "examples/go-sdk"
	must(client.CreateSecret(new(kms.CreateSecretRequest).SetSecretName(name).SetVersionId("v1").SetSecretData("first")))
	must(client.PutSecretValue(new(kms.PutSecretValueRequest).SetSecretName(name).SetVersionId("v2").SetSecretData("second")))
	value := func(stage string) string {
		answer := must(client.GetSecretValue(new(kms.GetSecretValueRequest).SetSecretName(name).SetVersionStage(stage)))
		return *answer.Body.SecretData
	}
	current, previous := value("ACSCurrent"), value("ACSPrevious")
	fmt.Println("current: ", current)
	fmt.Println("previous:", previous)
	if current != "second" || previous != "first" {
		log.Fatal("other values")
	}
	must(client.DeleteSecret(new(kms.DeleteSecretRequest).SetSecretName(name).SetForceDeleteWithoutRecovery("true")))
}
