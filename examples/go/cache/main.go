// The official cache client of Go (v1), next to the classic SDK. The client speaks https only and accepts any certificate.
package main

import (
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/kms"
	"github.com/aliyun/aliyun-secretsmanager-client-go/sdk"
	"github.com/aliyun/aliyun-secretsmanager-client-go/sdk/models"
	"github.com/aliyun/aliyun-secretsmanager-client-go/sdk/service"
)

func from(variable, otherwise string) string {
	if value := os.Getenv(variable); value != "" {
		return value
	}
	return otherwise
}

func must[T any](answer T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return answer
}

func main() {
	writer := must(kms.NewClientWithAccessKey("cn-hangzhou", "test", "test"))
	writer.Domain = strings.TrimPrefix(from("SESAME_URL", "http://127.0.0.1:7070"), "http://")
	name := "examples/go-cache"

	create := kms.CreateCreateSecretRequest()
	create.Scheme, create.SecretName, create.VersionId, create.SecretData = "http", name, "v1", "first"
	must(writer.CreateSecret(create))

	builder := service.NewBaseSecretManagerClientBuilder().Standard().WithAccessKey("test", "test")
	builder.AddRegionInfo(models.NewRegionInfoWithEndpoint("cn-hangzhou", from("SESAME_HTTPS", "localhost:7070")))
	cache := must(sdk.NewSecretCacheClientBuilder(builder.Build()).Build())
	value := func() string { return must(cache.GetSecretInfo(name)).SecretValue }
	expect := func(wanted string) {
		if got := value(); got != wanted {
			log.Fatalf("got %s, want %s", got, wanted)
		}
	}
	expect("first")

	put := kms.CreatePutSecretValueRequest()
	put.Scheme, put.SecretName, put.VersionId, put.SecretData = "http", name, "v2", "second"
	must(writer.PutSecretValue(put))
	fmt.Println("from the cache: ", value())
	expect("first")
	must(cache.RefreshNow(name))
	fmt.Println("after a refresh:", value())
	expect("second")

	remove := kms.CreateDeleteSecretRequest()
	remove.Scheme, remove.SecretName, remove.ForceDeleteWithoutRecovery = "http", name, "true"
	must(writer.DeleteSecret(remove))
	must(0, cache.Close())
}
