// HashiCorp's go-kms-wrapping: a key of Sesame wraps a value, which cannot be unwrapped while the key is disabled.
// Needs SESAME_URL, SESAME_HTTPS (host and port) and SSL_CERT_FILE with the CA: the wrapper speaks https only.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"

	wrapping "github.com/hashicorp/go-kms-wrapping/v2"
	"github.com/hashicorp/go-kms-wrapping/wrappers/alicloudkms/v2"
)

func must[T any](answer T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return answer
}

func kms(action, key string) (answer struct{ KeyMetadata struct{ KeyId string } }) {
	form := url.Values{"Version": {"2016-01-20"}, "Action": {action}}
	if key != "" {
		form.Set("KeyId", key)
	}
	response := must(http.PostForm(os.Getenv("SESAME_URL")+"/", form))
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != 200 {
		log.Fatal(action, response.Status, err)
	}
	return answer
}

func main() {
	ctx := context.Background()
	key := kms("CreateKey", "").KeyMetadata.KeyId
	wrapper := alicloudkms.NewWrapper()
	must(wrapper.SetConfig(ctx, wrapping.WithConfigMap(map[string]string{
		"region": "cn-hangzhou", "access_key": "test", "secret_key": "test", "domain": os.Getenv("SESAME_HTTPS"), "kms_key_id": key,
	})))
	if id := must(wrapper.KeyId(ctx)); id != key {
		log.Fatal("another key: ", id)
	}
	wrapped := must(wrapper.Encrypt(ctx, []byte("the root key"), wrapping.WithAad([]byte("aad"))))
	if plain := must(wrapper.Decrypt(ctx, wrapped, wrapping.WithAad([]byte("aad")))); !bytes.Equal(plain, []byte("the root key")) {
		log.Fatal("another text: ", string(plain))
	}
	fmt.Println("wrapped and unwrapped by", wrapped.KeyInfo.KeyId)

	kms("DisableKey", key)
	_, err := wrapper.Decrypt(ctx, wrapped, wrapping.WithAad([]byte("aad")))
	if err == nil || !strings.Contains(err.Error(), "Rejected.Disabled") {
		log.Fatal("unwrapped by a disabled key: ", err)
	}
	fmt.Println("disabled: Rejected.Disabled")
	kms("EnableKey", key)
	must(wrapper.Decrypt(ctx, wrapped, wrapping.WithAad([]byte("aad"))))
	fmt.Println("enabled again: unwrapped")
}
