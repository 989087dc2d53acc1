// The cache client v1 of Go, told what to do line by line: see behaviour.py.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/aliyun-secretsmanager-client-go/sdk"
	"github.com/aliyun/aliyun-secretsmanager-client-go/sdk/models"
	"github.com/aliyun/aliyun-secretsmanager-client-go/sdk/service"
)

func answer(value string, err error) {
	var coded sdkerrors.Error
	switch {
	case err == nil:
		fmt.Println("=", value)
	case errors.As(err, &coded):
		fmt.Println("!", coded.ErrorCode())
	default:
		fmt.Println("!", err)
	}
}

func main() {
	builder := service.NewBaseSecretManagerClientBuilder().Standard().WithAccessKey("test", "test")
	builder.AddRegionInfo(models.NewRegionInfoWithEndpoint("cn-hangzhou", os.Getenv("CACHE_HOST")))
	cache, err := sdk.NewSecretCacheClientBuilder(builder.Build()).Build()
	if err != nil {
		log.Fatal(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		what, name, _ := strings.Cut(lines.Text(), " ")
		if what == "get" {
			info, err := cache.GetSecretInfo(name)
			if err != nil {
				answer("", err)
			} else {
				answer(info.SecretValue, nil)
			}
			continue
		}
		done, err := cache.RefreshNow(name)
		answer(fmt.Sprint(done), err)
	}
}
