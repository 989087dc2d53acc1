package sesametest

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// call sends an unsigned request and returns the status.
func call(t *testing.T, s *Sesame, action string, parameters ...string) int {
	t.Helper()
	values := url.Values{"Action": {action}, "Version": {"2016-01-20"}}
	for at := 0; at < len(parameters); at += 2 {
		values.Set(parameters[at], parameters[at+1])
	}
	answer, err := direct.PostForm(s.URL, values)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

func create(t *testing.T, s *Sesame) {
	t.Helper()
	if status := call(t, s, "CreateSecret", "SecretName", "db", "VersionId", "v1", "SecretData", "first"); status != http.StatusOK {
		t.Fatalf("CreateSecret was answered with %d", status)
	}
}

func TestServersOfParallelTestsDoNotMeet(t *testing.T) {
	for number := 0; number < 10; number++ {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			s := Start(t)
			create(t, s)
			s.Faults.Throttle("GetSecretValue", 2)
			call(t, s, "GetSecretValue", "SecretName", "db")
			s.Faults.Fail("ListSecrets", "InternalFailure", 1)
			for _, expected := range []int{429, 200} {
				if status := call(t, s, "GetSecretValue", "SecretName", "db"); status != expected {
					t.Errorf("GetSecretValue was answered with %d and not with %d", status, expected)
				}
			}
			s.Requests.Verify("GetSecretValue", 3)
			s.Requests.Verify("CreateSecret", 1)
		})
	}
}

// noted collects what a helper reports.
type noted struct {
	testing.TB
	text string
}

func (n *noted) Helper() {}

func (n *noted) Error(values ...any) { n.text += fmt.Sprint(values...) }

func TestARuleKeepsAllItsMembersWhenAnotherIsAdded(t *testing.T) {
	s := Start(t)
	half, wait := 0.5, 700
	s.Faults.Add(Rule{Action: "ListKeys", Code: "Rejected.Throttling", Probability: &half, RetryAfterMs: &wait})
	s.Faults.Add(Rule{Action: "ListSecrets", Code: "InternalFailure", Every: 2})
	call(t, s, "ListSecrets")
	s.Faults.Throttle("GetSecretValue", 1)
	rules := s.Faults.Rules()
	if len(rules) != 3 || *rules[0].Probability != half || *rules[0].RetryAfterMs != wait || rules[1].Every != 2 || rules[1].Matched != 1 {
		t.Errorf("the rules are %+v", rules)
	}
	if status := call(t, s, "ListSecrets"); status != http.StatusInternalServerError {
		t.Errorf("the second call was answered with %d", status)
	}
}

func TestExpectationsShowTheNearestMisses(t *testing.T) {
	s := Start(t)
	create(t, s)
	call(t, s, "GetSecretValue", "SecretName", "db")
	call(t, s, "GetSecretValue", "SecretName", "dbs")
	s.Requests.Expect(Expectation{Secret: "db", Times: Exactly(2)}, Expectation{Code: "Forbidden.*", Secret: "dbs"}, Expectation{Secret: "x", Times: Exactly(0)})
	s.Requests.ExpectInOrder(Expectation{Action: "CreateSecret"}, Expectation{Action: "GetSecretValue", AtLeast: Exactly(2)})
	if count := s.Requests.Count(Expectation{Action: "Get*"}); count != 2 {
		t.Errorf("counted %d", count)
	}
	said := &noted{TB: t}
	s.Requests.t = said
	s.Requests.Expect(Expectation{Action: "GetSecretValue", Secret: "dbx"})
	if !strings.Contains(said.text, "at least 1 times, and the server saw 0\nThe nearest calls were:\n  GetSecretValue dbs Forbidden.ResourceNotFound (secret is dbs)") {
		t.Error(said.text)
	}
	said.text = ""
	s.Requests.ExpectInOrder(Expectation{Action: "GetSecretValue"}, Expectation{Action: "CreateSecret"})
	if !strings.Contains(said.text, "not in this order") {
		t.Error(said.text)
	}
	s.Requests.t = t
}

func TestTheClockEndsADeletionWindow(t *testing.T) {
	s := Start(t, Options{Seed: "secrets: [{name: db, versions: [{id: v1, value: x}]}]"})
	call(t, s, "DeleteSecret", "SecretName", "db", "RecoveryWindowInDays", "7")
	before := s.Clock.Now()
	s.Clock.Advance(7*24*time.Hour + time.Second)
	if moved := s.Clock.Now().Sub(before); moved < 7*24*time.Hour {
		t.Errorf("the clock moved by %s", moved)
	}
	create(t, s)
}

func TestTheModeEnforcedLetsNobodyInUnsigned(t *testing.T) {
	s := Start(t, Options{Auth: "enforced"})
	if status := call(t, s, "ListSecrets"); status < 400 {
		t.Errorf("an unsigned call was answered with %d", status)
	}
	s.Requests.Verify("ListSecrets", 1)
}

func TestAFailedStartSaysWhatToDo(t *testing.T) {
	first := Start(t)
	for name, row := range map[string]struct {
		options  Options
		expected string
	}{
		"a port in use":   {Options{Listen: first.Endpoint}, "Leave Listen out to take a free port"},
		"a wrong flag":    {Options{Args: []string{"--in-memori"}}, "ended with code 2; its last lines:\nerror: unexpected argument '--in-memori'"},
		"a wrong program": {Options{Program: "/bin/true"}, "Is /bin/true the program Sesame"},
	} {
		if _, err := Run(row.options); err == nil || !strings.Contains(err.Error(), row.expected) {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("SESAME_PROGRAM", "/nowhere/sesame")
	if _, err := Run(); err == nil || !strings.Contains(err.Error(), `SESAME_PROGRAM names "/nowhere/sesame", which is no program`) {
		t.Error(err)
	}
	t.Setenv("SESAME_PROGRAM", "")
	t.Setenv("PATH", "/nowhere")
	if _, err := Run(); err == nil || !strings.Contains(err.Error(), "set SESAME_PROGRAM to the path of the program") {
		t.Error(err)
	}
}

func TestAStoppedServerIsGone(t *testing.T) {
	s := Start(t)
	s.Stop()
	s.Stop()
	if err := s.Reset(); err == nil || !strings.Contains(err.Error(), "no server answers") {
		t.Error(err)
	}
}

func TestNoServerIsLeftOfAKilledRun(t *testing.T) {
	if os.Getenv("SESAMETEST_CHILD") != "" {
		s := Start(t)
		fmt.Printf("address %s\n", s.URL)
		time.Sleep(10 * time.Minute)
	}
	run := exec.Command(os.Args[0], "-test.run", "^TestNoServerIsLeftOfAKilledRun$", "-test.v")
	run.Env = append(os.Environ(), "SESAMETEST_CHILD=1")
	stdout, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	s := &Sesame{}
	for lines := bufio.NewScanner(stdout); s.URL == "" && lines.Scan(); {
		if address, found := strings.CutPrefix(lines.Text(), "address "); found {
			s.URL = address
		}
	}
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	run.Process.Kill()
	run.Wait()
	for end := time.Now().Add(20 * time.Second); s.Reset() == nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the server still answers")
		}
	}
}
