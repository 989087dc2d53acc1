// Package sesametest gives a test a server for Alibaba Cloud Secrets Manager.
//
//	func TestRead(t *testing.T) {
//		sesame := sesametest.Start(t)
//		// point a client at sesame.Endpoint
//	}
package sesametest

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	readyWithin   = 15 * time.Second
	stoppedWithin = 10 * time.Second
)

// The shell holds the other end of a pipe to this process. When this process ends, even by SIGKILL, `cat` ends and the server is stopped.
// When the server ends by itself, its standard output is closed, because the shell does not keep it.
const watch = `"$@" </dev/null & exec >/dev/null 2>&1; cat; kill $!; wait $!`

var ready = regexp.MustCompile(`^Sesame .* at http://(\S+)`)

// Options of a server. The zero value is a server in the mode open on a free port.
type Options struct {
	Auth    string   // open (the default), signed or enforced
	Listen  string   // host and port; the default is a free port of 127.0.0.1
	Program string   // the default is what FindProgram finds
	Args    []string // further flags of `sesame serve`
	Seed    string   // a seed in YAML or JSON, its text
}

// Sesame is a server in memory.
type Sesame struct {
	URL             string // such as http://127.0.0.1:40123
	Endpoint        string // host and port, as the SDKs want it
	AccessKeyID     string
	AccessKeySecret string
	Region          string
	Faults          Faults
	Clock           Clock
	Requests        Requests

	command *exec.Cmd
	stdin   io.Closer
	log     *os.File
	token   string
	ended   chan struct{}
}

// Start starts a server for this test and stops it in the test's cleanup. A test that fails logs what the server logged. Each test may
// have its own server, tests in parallel, too. Without a program, or when the server does not start, the test fails at once.
func Start(t testing.TB, options ...Options) *Sesame {
	t.Helper()
	sesame, err := Run(options...)
	if err != nil {
		t.Fatal(err)
	}
	sesame.Faults.t, sesame.Clock.t, sesame.Requests.t = t, t, t
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Sesame's log:\n%s", sesame.Log())
		}
		sesame.Stop()
	})
	return sesame
}

// Run starts a server without a test, for TestMain. Stop must be called; the server ends with this process in any case.
// Faults, Clock and Requests panic where those of Start fail the test.
func Run(options ...Options) (*Sesame, error) {
	var option Options
	if len(options) > 0 {
		option = options[0]
	}
	if option.Auth == "" {
		option.Auth = "open"
	}
	if option.Listen == "" {
		option.Listen = "127.0.0.1:0"
	}
	if option.Program == "" {
		program, err := FindProgram()
		if err != nil {
			return nil, err
		}
		option.Program = program
	}
	sesame := &Sesame{AccessKeyID: "test", AccessKeySecret: "test", Region: "cn-hangzhou", ended: make(chan struct{})}
	if err := sesame.launch(option); err != nil {
		return nil, err
	}
	sesame.Faults, sesame.Clock, sesame.Requests = Faults{sesame, nil}, Clock{sesame, nil}, Requests{sesame, nil}
	if option.Seed != "" {
		if err := sesame.Seed(option.Seed); err != nil {
			sesame.Stop()
			return nil, err
		}
	}
	return sesame, nil
}

func (s *Sesame) launch(option Options) error {
	log, err := os.CreateTemp("", "sesame-*.log")
	if err != nil {
		return err
	}
	os.Remove(log.Name())
	s.log = log
	args := append([]string{"-c", watch, "sesame", option.Program, "serve", "--in-memory", "--listen", option.Listen, "--auth", option.Auth}, option.Args...)
	s.command = exec.Command("/bin/sh", args...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "SESAME_") {
			s.command.Env = append(s.command.Env, variable)
		}
	}
	if option.Auth != "open" {
		random := make([]byte, 24)
		if _, err := rand.Read(random); err != nil {
			return err
		}
		s.token = hex.EncodeToString(random)
		s.command.Env = append(s.command.Env, "SESAME_ADMIN_TOKEN="+s.token)
	}
	s.command.Stderr = log
	// A session of its own: Ctrl-C in the terminal reaches the tests, which may still need the server while they end.
	s.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if s.stdin, err = s.command.StdinPipe(); err != nil {
		return err
	}
	stdout, err := s.command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.command.Start(); err != nil {
		return err
	}
	found, printed := make(chan bool, 1), make(chan string, 1)
	go s.read(stdout, found, printed)
	select {
	case <-found:
		return nil
	case said := <-printed:
		s.Stop()
		return explained(option.Program, fmt.Sprintf("ended with code %d", s.command.ProcessState.ExitCode()), said+s.logged())
	case <-time.After(readyWithin):
		s.Stop()
		return explained(option.Program, fmt.Sprintf("was not ready within %s", readyWithin), s.logged())
	}
}

// read reads standard output to its end, because a full pipe would block the server.
func (s *Sesame) read(stdout io.Reader, found chan<- bool, printed chan<- string) {
	var said strings.Builder
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if match := ready.FindStringSubmatch(lines.Text()); match != nil {
			s.Endpoint, s.URL = match[1], "http://"+match[1]
		}
		if lines.Text() == "Ready." {
			found <- true
		}
	}
	s.stdin.Close()
	s.command.Wait()
	close(s.ended)
	printed <- said.String()
}

// Stop stops the server. A second call changes nothing.
func (s *Sesame) Stop() {
	s.stdin.Close()
	select {
	case <-s.ended:
	case <-time.After(stoppedWithin):
		syscall.Kill(-s.command.Process.Pid, syscall.SIGKILL)
		<-s.ended
	}
}

// Log returns what the server logged.
func (s *Sesame) Log() string { return s.logged() }

func (s *Sesame) logged() string {
	status, err := s.log.Stat()
	if err != nil {
		return ""
	}
	content := make([]byte, status.Size())
	n, _ := s.log.ReadAt(content, 0)
	return string(content[:n])
}

// Env lists variables for programs under test, as NAME=VALUE.
func (s *Sesame) Env() []string {
	return []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=" + s.AccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + s.AccessKeySecret,
		"ALIBABA_CLOUD_REGION_ID=" + s.Region, "SESAME_URL=" + s.URL, "KMS_ENDPOINT=" + s.Endpoint}
}

// FindProgram returns the path of the program: SESAME_PROGRAM, else `sesame` on the PATH.
func FindProgram() (string, error) {
	if given := os.Getenv("SESAME_PROGRAM"); given != "" {
		if _, err := exec.LookPath(given); err != nil {
			return "", fmt.Errorf("SESAME_PROGRAM names %q, which is no program; set it to the path of `sesame`, such as /usr/bin/sesame", given)
		}
		return given, nil
	}
	found, err := exec.LookPath("sesame")
	if err != nil {
		return "", fmt.Errorf("there is no program `sesame` for %s on %s on the PATH: install a package of Sesame, or set SESAME_PROGRAM to the path of the program",
			runtime.GOOS, runtime.GOARCH)
	}
	return found, nil
}

func explained(program, how, said string) error {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if len(lines) > 30 {
		lines = lines[len(lines)-30:]
	}
	text := strings.Join(lines, "\n")
	advice := ""
	if strings.Contains(said, "ddress already in use") {
		advice = "\nAnother program listens there. Leave Listen out to take a free port, or stop that program."
	} else if !strings.Contains(strings.ToLower(text), "sesame") {
		advice = fmt.Sprintf("\nIs %s the program Sesame, for this machine? `%s --version` must print `sesame` and a number.", program, program)
	}
	if text == "" {
		text = "(it printed nothing)"
	}
	return errors.New(program + " serve " + how + "; its last lines:\n" + text + advice)
}

// Reset removes everything; the clock and the faults are as at the start.
func (s *Sesame) Reset() error {
	return s.admin(context.Background(), "POST", "reset", nil, nil)
}

// Seed applies a seed in YAML or JSON.
func (s *Sesame) Seed(text string) error {
	return s.admin(context.Background(), "POST", "seed", []byte(text), nil)
}
