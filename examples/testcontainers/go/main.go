// Testcontainers for Go. Needs a container engine and the image that SESAME_IMAGE names (default sesame:latest).
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	kms "github.com/alibabacloud-go/kms-20160120/v3/client"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

func run(ctx context.Context) error {
	image := os.Getenv("SESAME_IMAGE")
	if image == "" {
		image = "sesame:latest"
	}
	container, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: testcontainers.ContainerRequest{
			Image:        image,
			ExposedPorts: []string{"7070/tcp"},
			Env:          map[string]string{"SESAME_LISTEN": "0.0.0.0:7070", "SESAME_IN_MEMORY": "true"},
			WaitingFor:   wait.ForHTTP("/_sesame/ready").WithPort("7070/tcp"),
		},
		Started: true,
	})
	if err != nil {
		return err
	}
	defer func() { _ = testcontainers.TerminateContainer(container) }()
	endpoint, err := container.PortEndpoint(ctx, "7070/tcp", "")
	if err != nil {
		return err
	}
	client, err := kms.NewClient(&openapi.Config{
		AccessKeyId: dara.String("test"), AccessKeySecret: dara.String("test"), RegionId: dara.String("cn-hangzhou"),
		Endpoint: &endpoint, Protocol: dara.String("http"),
	})
	if err != nil {
		return err
	}
	if _, err = client.CreateSecret(new(kms.CreateSecretRequest).SetSecretName("db").SetVersionId("v1").SetSecretData("first")); err != nil {
		return err
	}
	answer, err := client.GetSecretValue(new(kms.GetSecretValueRequest).SetSecretName("db"))
	if err != nil {
		return err
	}
	fmt.Println(*answer.Body.SecretData)
	return nil
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}
