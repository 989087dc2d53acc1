// alibabacloud-oss-go-sdk-v2: an object is encrypted before it is uploaded; a key of Sesame wraps its data key. Only this part is shown; no object
// is stored. The SDK has no KMS client: a program passes a MasterCipher, here one that uses the classic SDK for Go.
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/kms"
	osscrypto "github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/crypto"
)

func must[T any](answer T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return answer
}

type master struct {
	client *kms.Client
	key    string
}

func (m master) Encrypt(plain []byte) ([]byte, error) {
	request := kms.CreateEncryptRequest()
	request.Scheme, request.KeyId, request.Plaintext = "HTTP", m.key, base64.StdEncoding.EncodeToString(plain)
	answer, err := m.client.Encrypt(request)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(answer.CiphertextBlob)
}

func (m master) Decrypt(wrapped []byte) ([]byte, error) {
	request := kms.CreateDecryptRequest()
	request.Scheme, request.CiphertextBlob = "HTTP", base64.StdEncoding.EncodeToString(wrapped)
	answer, err := m.client.Decrypt(request)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(answer.Plaintext)
}

func (m master) GetWrapAlgorithm() string { return osscrypto.KmsAliCryptoWrap }
func (m master) GetMatDesc() string       { return `{"desc":"of the example"}` }

func main() {
	client := must(kms.NewClientWithAccessKey("cn-hangzhou", "test", "test"))
	client.Domain = strings.TrimPrefix(os.Getenv("SESAME_URL"), "http://")
	create := kms.CreateCreateKeyRequest()
	create.Scheme = "HTTP"
	key := must(client.CreateKey(create)).KeyMetadata.KeyId

	builder := osscrypto.CreateAesCtrCipher(master{client, key})
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
	disable.Scheme, disable.KeyId = "HTTP", key
	must(client.DisableKey(disable))
	if _, err := builder.ContentCipherEnv(envelope); err == nil || !strings.Contains(err.Error(), "Rejected.Disabled") {
		log.Fatal("decrypted by a disabled key: ", err)
	}
}
