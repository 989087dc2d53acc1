// Lints a chart with Helm's own library, renders it for an installation, an upgrade and `helm template`, and checks which keys
// are generated, kept and required, and where the other values go: check CHART VALUES FILE
//
// Writes to FILE the manifests rendered with these values and those without values; to FILE.toml the configuration of the latter,
// to FILE.seed the seed of the former.
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"sort"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"
)

// A cluster with Secrets, as far as `lookup` reads them.
type cluster struct {
	dynamic.NamespaceableResourceInterface
	secrets map[string]map[string]string
}

func (c cluster) GetClientFor(_, _ string) (dynamic.NamespaceableResourceInterface, bool, error) {
	return c, true, nil
}

func (c cluster) Namespace(string) dynamic.ResourceInterface { return c }

func (c cluster) Get(_ context.Context, name string, _ metav1.GetOptions, _ ...string) (*unstructured.Unstructured, error) {
	secret, there := c.secrets[name]
	if !there {
		return nil, errors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
	}
	data := map[string]interface{}{}
	for key, value := range secret {
		data[key] = base64.StdEncoding.EncodeToString([]byte(value))
	}
	return &unstructured.Unstructured{Object: map[string]interface{}{"kind": "Secret", "data": data}}, nil
}

func (c cluster) List(context.Context, metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	return &unstructured.UnstructuredList{Object: map[string]interface{}{"kind": "SecretList"}}, nil
}

type values = map[string]interface{}

// Renders the chart; without a cluster as `helm template` does.
func render(c *chart.Chart, given values, in *cluster) (map[string]string, error) {
	options := chartutil.ReleaseOptions{Name: "check", Namespace: "default", Revision: 1, IsInstall: true}
	// This validates the values against values.schema.json as well.
	all, err := chartutil.ToRenderValues(c, given, options, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	if in == nil {
		return engine.Render(c, all)
	}
	return engine.RenderWithClientProvider(c, all, in)
}

// The rendered Secrets, by name.
func secrets(rendered map[string]string) map[string]map[string]string {
	found := map[string]map[string]string{}
	for _, text := range rendered {
		for _, document := range strings.Split(text, "\n---\n") {
			var resource struct {
				Kind       string
				Metadata   struct{ Name string }
				StringData map[string]string
			}
			if yaml.Unmarshal([]byte(document), &resource) == nil && resource.Kind == "Secret" {
				found[resource.Metadata.Name] = resource.StringData
			}
		}
	}
	return found
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func check(what string, good bool, seen ...interface{}) {
	if !good {
		log.Fatalf("%s does not hold: %v", what, seen)
	}
	fmt.Println("holds     ", what)
}

func rendered(c *chart.Chart, given values, in *cluster) map[string]string {
	text, err := render(c, given, in)
	must(err)
	return text
}

const keys, config = "check-sesame-keys", "check-sesame-config"

func checkKeys(c *chart.Chart) map[string]string {
	fresh := rendered(c, values{}, &cluster{})
	made := secrets(fresh)
	id, secret, token := made[keys]["access-key-id"], made[keys]["access-key-secret"], made[keys]["admin-token"]
	check("an installation makes an access key and an admin token", len(id) == 20 && len(secret) == 30 && len(token) == 32, made)
	_, there := made[keys]["root-key"]
	check("the root key of encryption stays in the data volume", !there, made[keys])
	toml := made[config]["sesame.toml"]
	check("the server gets that access key", strings.Contains(toml, `id = "`+id+`"`) && strings.Contains(toml, `secret = "`+secret+`"`), toml)
	other := secrets(rendered(c, values{}, &cluster{}))[keys]
	check("another installation has others", other["access-key-secret"] != secret && other["admin-token"] != token, other)

	upgraded := secrets(rendered(c, values{"auth": "signed"}, &cluster{secrets: made}))
	check("an upgrade keeps them", fmt.Sprint(upgraded[keys]) == fmt.Sprint(made[keys]) && upgraded[config]["sesame.toml"] == toml, upgraded, made)
	of := func(text map[string]string) string {
		_, sum, _ := strings.Cut(text["sesame/templates/deployment.yaml"], "checksum/secrets: ")
		return strings.SplitN(sum, "\n", 2)[0]
	}
	check("an upgrade without a change does not replace the pod", of(fresh) != "" && of(fresh) == of(rendered(c, values{}, &cluster{secrets: made})))
	old := map[string]map[string]string{keys: {"root-key": "abc", "admin-token": "t"}}
	kept := secrets(rendered(c, values{}, &cluster{secrets: old}))[keys]
	check("a root key that was given before is kept", kept["root-key"] == "abc" && kept["admin-token"] == "t", kept)

	given := values{
		"keys":      values{"adminToken": "token", "rootKey": strings.Repeat("0", 64)},
		"accessKey": values{"id": "mine", "secret": "hush"},
	}
	for _, in := range []*cluster{nil, {secrets: made}} {
		seen := secrets(rendered(c, given, in))[keys]
		want := map[string]string{"admin-token": "token", "root-key": strings.Repeat("0", 64), "access-key-id": "mine", "access-key-secret": "hush"}
		check("what is given is used", fmt.Sprint(seen) == fmt.Sprint(want), seen)
	}
	for _, missing := range []string{"keys.adminToken", "accessKey.id", "accessKey.secret"} {
		section, name, _ := strings.Cut(missing, ".")
		part := values{}
		for other, value := range given[section].(values) {
			if other != name {
				part[other] = value
			}
		}
		without := values{"keys": given["keys"], "accessKey": given["accessKey"]}
		without[section] = part
		_, err := render(c, without, nil)
		check("helm template asks for "+missing, err != nil && strings.Contains(err.Error(), missing+" must be given"), err)
	}
	own := values{
		"keys":   values{"existingSecret": "mine"},
		"config": "[[accounts]]\nid = \"1000000000000001\"\n[[accounts.access_keys]]\nid = \"own\"\nsecret = \"s\"\n",
	}
	seen := secrets(rendered(c, own, nil))
	check("a configuration with the account brings its own access key", len(seen) == 1 && strings.Count(seen[config]["sesame.toml"], "[[accounts]]") == 1, seen)
	return fresh
}

// The variables of the server's container: the value of each, or its source.
func environment(text map[string]string) map[string]string {
	var deployment struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Env []struct {
							Name, Value string
							ValueFrom   struct{ SecretKeyRef struct{ Name, Key string } }
						}
					}
				}
			}
		}
	}
	must(yaml.Unmarshal([]byte(text["sesame/templates/deployment.yaml"]), &deployment))
	found := map[string]string{}
	for _, variable := range deployment.Spec.Template.Spec.Containers[0].Env {
		from := variable.ValueFrom.SecretKeyRef
		if _, twice := found[variable.Name]; twice {
			log.Fatalf("the variable %s is set twice", variable.Name)
		}
		found[variable.Name] = variable.Value + from.Name
		if from.Key != "" {
			found[variable.Name] += "/" + from.Key
		}
	}
	return found
}

// The values that do not concern keys; `given` sets all of them.
func checkValues(c *chart.Chart, given, fresh map[string]string) {
	seen := environment(given)
	for name, want := range map[string]string{
		"SESAME_DATABASE": config + "/database-url",
		"SESAME_ROOT_KEY": keys + "/root-key",
		"SESAME_SEED":     "/etc/sesame/seed.yaml",
		"SESAME_TLS_CERT": "/etc/sesame-tls/tls.crt",
		"SESAME_TLS_KEY":  "/etc/sesame-tls/tls.key",
		"SESAME_LOG":      "debug",
	} {
		check(name+" comes from the values", seen[name] == want, seen)
	}
	deployment, defaults := given["sesame/templates/deployment.yaml"], fresh["sesame/templates/deployment.yaml"]
	for _, line := range []string{"replicas: 2", "type: RollingUpdate", "imagePullSecrets:", "secretName: certificate", "emptyDir: {}"} {
		check("with a database there is "+line, strings.Contains(deployment, line) && !strings.Contains(defaults, line), deployment)
	}
	check("without a database there is one server, and a volume that stays", strings.Contains(defaults, "replicas: 1") &&
		strings.Contains(defaults, "type: Recreate") && strings.Contains(fresh["sesame/templates/data.yaml"], "resource-policy: keep"), defaults)
	check("a password is in a Secret only", strings.Count(strings.Join(texts(given), "\n"), "sesame:password@") == 1)
	monitor := given["sesame/templates/servicemonitor.yaml"]
	check("a ServiceMonitor has the admin token", strings.Contains(monitor, "name: "+keys) && strings.Contains(monitor, "release: prometheus"), monitor)
	check("there is none unless it is asked for", strings.TrimSpace(fresh["sesame/templates/servicemonitor.yaml"]) == "")
	named := environment(rendered(c, values{"tls": values{"names": []interface{}{"a.example.com", "b.example.com"}}}, &cluster{}))
	check("names of the certificate are given", named["SESAME_TLS_NAME"] == "a.example.com,b.example.com", named)
	external := environment(rendered(c, values{"database": values{"existingSecret": "pg"}, "keys": values{"existingSecret": "mine"}}, &cluster{}))
	check("a database's Secret of one's own is used", external["SESAME_DATABASE"] == "pg/database-url" && external["SESAME_ROOT_KEY"] == "mine/root-key", external)

	url := values{"url": "postgres://u:p@h/d"}
	for words, wrong := range map[string]values{
		"replicas is more than 1":    {"replicas": 2},
		"keys.rootKey must be given": {"database": url},
		"exclude each other":         {"database": values{"url": "postgres://u:p@h/d", "existingSecret": "pg"}, "keys": values{"rootKey": strings.Repeat("0", 64)}},
		"tls.names has no effect":    {"tls": values{"names": []interface{}{"a"}, "existingSecret": "c"}},
		"sets SESAME_LISTEN itself":  {"env": []interface{}{values{"name": "SESAME_LISTEN", "value": "1"}}},
		"replicas":                   {"replicas": 0},
		"url":                        {"database": values{"url": "mysql://h"}},
		"vlue":                       {"env": []interface{}{values{"name": "A", "vlue": "1"}}},
		"interval":                   {"serviceMonitor": values{"interval": "often"}},
		"imagePullSecrets":           {"imagePullSecrets": []interface{}{"registry"}},
	} {
		_, err := render(c, wrong, &cluster{})
		check(fmt.Sprintf("%v is refused", wrong), err != nil && strings.Contains(err.Error(), words), err)
	}
}

func texts(text map[string]string) []string {
	var all []string
	for _, one := range text {
		all = append(all, one)
	}
	return all
}

func main() {
	log.SetFlags(0)
	directory, file := os.Args[1], os.Args[2]
	given, err := chartutil.ReadValuesFile(file)
	must(err)
	found := lint.All(directory, given, "default", true)
	for _, message := range found.Messages {
		fmt.Println(message)
	}
	if found.HighestSeverity >= support.WarningSev {
		log.Fatal("the chart does not pass the lint")
	}
	c, err := loader.Load(directory)
	must(err)
	fresh := checkKeys(c)
	full := rendered(c, given, nil)
	checkValues(c, full, fresh)
	out, err := os.Create(os.Args[3])
	must(err)
	for _, text := range []map[string]string{full, fresh} {
		var names []string
		for name := range text {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			if strings.HasSuffix(name, ".yaml") {
				fmt.Fprintf(out, "---\n# %s\n%s\n", name, text[name])
			}
		}
	}
	must(out.Close())
	must(os.WriteFile(os.Args[3]+".toml", []byte(secrets(fresh)[config]["sesame.toml"]), 0o600))
	must(os.WriteFile(os.Args[3]+".seed", []byte(secrets(full)[config]["seed.yaml"]), 0o600))
}
