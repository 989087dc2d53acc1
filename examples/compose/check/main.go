// Reads Compose files with Docker Compose's own library, and checks what an image without a shell needs: check FILE...
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func main() {
	log.SetFlags(0)
	for _, file := range os.Args[1:] {
		// The variables that the files expect in the environment.
		given := []string{"SESAME_ROOT_KEY=" + strings.Repeat("0", 64)}
		options, err := cli.NewProjectOptions([]string{file}, cli.WithName("check"), cli.WithEnv(given))
		if err != nil {
			log.Fatal(err)
		}
		project, err := options.LoadProject(context.Background())
		if err != nil {
			log.Fatalf("%s: %v", file, err)
		}
		for name, service := range project.Services {
			if strings.HasPrefix(service.Image, "sesame") {
				check(file+": "+name, service)
			}
		}
		fmt.Println("accepted  ", file)
	}
}

// A service of Sesame's image, which has neither a shell nor files of its own.
func check(place string, service types.ServiceConfig) {
	if health := service.HealthCheck; health != nil && len(health.Test) > 0 && health.Test[0] != "CMD" {
		log.Fatalf("%s: the image has no shell for the health check %v", place, health.Test)
	}
	for _, volume := range service.Volumes {
		if volume.Type != types.VolumeTypeBind {
			continue
		}
		if _, err := os.Stat(volume.Source); err != nil {
			log.Fatalf("%s: %v", place, err)
		}
	}
	for _, variable := range []string{"SESAME_SEED", "SESAME_CONFIG"} {
		value := service.Environment[variable]
		if value == nil {
			continue
		}
		mounted := false
		for _, volume := range service.Volumes {
			inside, err := filepath.Rel(volume.Target, *value)
			if err != nil || strings.HasPrefix(inside, "..") {
				continue
			}
			if _, err := os.Stat(filepath.Join(volume.Source, inside)); err == nil {
				mounted = true
			}
		}
		if !mounted {
			log.Fatalf("%s: %s=%s is not among the volumes", place, variable, *value)
		}
	}
}
