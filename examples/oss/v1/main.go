// aliyun-oss-go-sdk: an object is encrypted before it is uploaded; a key of Sesame wraps its data key. Only this part is shown; no object is stored.
// Needs SESAME_URL, SESAME_HTTPS (host and port) and SSL_CERT_FILE with the CA: this part of the SDK speaks https only.
package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/kms"
	osscrypto "github.com/aliyun/aliyun-oss-go-sdk/oss/crypto"
)

func must[T any](answer T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return answer
}

func main() {
	client := must(kms.NewClientWithAccessKey("cn-hangzhou", "test", "test"))
	client.Domain = os.Getenv("SESAME_HTTPS")
	create := kms.CreateCreateKeyRequest()
	create.Scheme = "https"
	key := must(client.CreateKey(create)).KeyMetadata.KeyId

	master := must(osscrypto.CreateMasterAliKms(map[string]string{"desc": "of the example"}, key, client))
	builder := osscrypto.CreateAesCtrCipher(master)
	content := []byte("the content of the object")
	writer := must(builder.ContentCipher()) // Encrypt for the key, and for the IV
	body := must(io.ReadAll(must(writer.EncryptContent(bytes.NewReader(content)))))
	data := writer.GetCipherData()
	if bytes.Contains(body, []byte("content")) {
		log.Fatal("not encrypted")
	}

	// What a reader of the object does with its metadata: Decrypt twice.
	envelope := osscrypto.Envelope{
		IV: string(data.EncryptedIV), CipherKey: string(data.EncryptedKey),
		MatDesc: data.MatDesc, WrapAlg: data.WrapAlgorithm, CEKAlg: data.CEKAlgorithm,
	}
	reader := must(builder.ContentCipherEnv(envelope))
	plain := must(io.ReadAll(must(reader.DecryptContent(bytes.NewReader(body)))))
	if !bytes.Equal(plain, content) {
		log.Fatal("another content: ", string(plain))
	}
	fmt.Println(envelope.WrapAlg, envelope.CEKAlg, string(plain))

	disable := kms.CreateDisableKeyRequest()
	disable.Scheme, disable.KeyId = "https", key
	must(client.DisableKey(disable))
	if _, err := builder.ContentCipherEnv(envelope); err == nil || !strings.Contains(err.Error(), "Rejected.Disabled") {
		log.Fatal("decrypted by a disabled key: ", err)
	}
}
