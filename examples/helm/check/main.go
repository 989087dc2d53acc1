// Lints a chart with Helm's own library and writes what it renders: check CHART VALUES FILE
package main

import (
	"fmt"
	"log"
	"os"
	"sort"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
)

func main() {
	log.SetFlags(0)
	directory, file := os.Args[1], os.Args[2]
	given, err := chartutil.ReadValuesFile(file)
	if err != nil {
		log.Fatal(err)
	}
	found := lint.All(directory, given, "default", true)
	for _, message := range found.Messages {
		fmt.Println(message)
	}
	if found.HighestSeverity >= support.WarningSev {
		log.Fatal("the chart does not pass the lint")
	}
	chart, err := loader.Load(directory)
	if err != nil {
		log.Fatal(err)
	}
	options := chartutil.ReleaseOptions{Name: "check", Namespace: "default", Revision: 1, IsInstall: true}
	// This validates the values against values.schema.json as well.
	values, err := chartutil.ToRenderValues(chart, given, options, chartutil.DefaultCapabilities)
	if err != nil {
		log.Fatal(err)
	}
	rendered, err := engine.Render(chart, values)
	if err != nil {
		log.Fatal(err)
	}
	out, err := os.Create(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	var names []string
	for name := range rendered {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if len(name) > 5 && name[len(name)-5:] == ".yaml" {
			fmt.Fprintf(out, "---\n# %s\n%s\n", name, rendered[name])
		}
	}
	if err := out.Close(); err != nil {
		log.Fatal(err)
	}
}
