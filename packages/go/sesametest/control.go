package sesametest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"testing"
	"time"
)

// No proxy comes between.
var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}

func (s *Sesame) admin(ctx context.Context, method, path string, body []byte, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, s.URL+"/_sesame/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	response, err := direct.Do(request)
	if err != nil {
		return fmt.Errorf("no server answers at %s: %w", s.URL, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s /_sesame/%s was refused with %d: %s", method, path, response.StatusCode, text)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// must calls the server for a helper; an error fails the test, or panics outside of one.
func (s *Sesame) must(t testing.TB, method, path string, content, answer any) {
	var body []byte
	if content != nil {
		encoded, err := json.Marshal(content)
		if err != nil {
			panic(err)
		}
		body = encoded
	}
	if err := s.admin(context.Background(), method, path, body, answer); err != nil {
		if t == nil {
			panic(err)
		}
		t.Helper()
		t.Fatal(err)
	}
}

// Rule is a rule of faults, with the members of the server's own rules. The first rule that fires wins.
type Rule struct {
	ID           int      `json:"id,omitempty"`             // given by the server
	Action       string   `json:"action"`                   // an exact name, or *
	Secret       string   `json:"secret,omitempty"`         // only calls that name a secret of this name; * and ? are wildcards
	Account      string   `json:"account,omitempty"`        // only calls of this account
	Probability  *float64 `json:"probability,omitempty"`    // how likely it changes a call, 0 to 1; nil means always
	Every        int      `json:"every,omitempty"`          // every n-th call; 0 means each
	Times        int      `json:"times,omitempty"`          // at most this many calls; 0 means all
	Code         string   `json:"code,omitempty"`           // the error code that the calls get
	RetryAfterMs *int     `json:"retry_after_ms,omitempty"` // with Code: the wait that the answer asks for
	DelayMs      int      `json:"delay_ms,omitempty"`       // the calls wait first
	Drop         string   `json:"drop,omitempty"`           // before or after: the connection is closed without an answer
	Matched      int      `json:"matched,omitempty"`        // how many calls the rule matched
	Fired        int      `json:"fired,omitempty"`          // how many calls it changed
}

// Faults makes the server refuse, delay or not answer calls.
type Faults struct {
	s *Sesame
	t testing.TB
}

// Throttle refuses the next calls of an action with Rejected.Throttling; times 0 means all of them.
func (f Faults) Throttle(action string, times int) {
	f.Add(Rule{Action: action, Times: times, Code: "Rejected.Throttling"})
}

// Fail refuses the next calls of an action with an error code of the cloud.
func (f Faults) Fail(action, code string, times int) {
	f.Add(Rule{Action: action, Times: times, Code: code})
}

// Delay makes calls of an action wait, 1 ms to 60 s.
func (f Faults) Delay(action string, by time.Duration) {
	f.Add(Rule{Action: action, DelayMs: int(by.Milliseconds())})
}

// LoseAnswer carries calls out and closes the connection without an answer.
func (f Faults) LoseAnswer(action string, times int) {
	f.Add(Rule{Action: action, Times: times, Drop: "after"})
}

// Add adds a rule after those that are there, which keep their counts.
func (f Faults) Add(rule Rule) { f.s.must(f.t, "POST", "faults", rule, nil) }

// Rules lists the rules with their counts.
func (f Faults) Rules() []Rule {
	var answer struct{ Faults []Rule }
	f.s.must(f.t, "GET", "faults", nil, &answer)
	return answer.Faults
}

// Clear removes all rules.
func (f Faults) Clear() { f.s.must(f.t, "DELETE", "faults", nil, nil) }

// Clock is the server's clock. What is due when it is moved is done before the method returns.
type Clock struct {
	s *Sesame
	t testing.TB
}

// Advance moves the clock forward, by whole seconds.
func (c Clock) Advance(by time.Duration) {
	c.s.must(c.t, "POST", "clock", map[string]any{"advance_seconds": int64(by / time.Second)}, nil)
}

// Set sets the clock.
func (c Clock) Set(to time.Time) {
	c.s.must(c.t, "POST", "clock", map[string]any{"set": to.UTC().Format(time.RFC3339)}, nil)
}

// Freeze stops the clock at its present time.
func (c Clock) Freeze() { c.s.must(c.t, "POST", "clock", map[string]any{"freeze": true}, nil) }

// Resume sets the clock back to the machine's time.
func (c Clock) Resume() { c.s.must(c.t, "POST", "clock", map[string]any{"resume": true}, nil) }

// Now returns what the clock shows.
func (c Clock) Now() time.Time {
	var answer struct{ Now time.Time }
	c.s.must(c.t, "GET", "clock", nil, &answer)
	return answer.Now
}

// Request is a call that the server got. Values are never in it.
type Request struct {
	Action, Secret, Key, Version, Label, Caller, Code, Reason, Region string
	Status                                                            int
	Time                                                              time.Time
}

// Requests is what was called, the last 10,000 calls.
type Requests struct {
	s *Sesame
	t testing.TB
}

// Expectation says which calls are expected, and how often. Each text is a pattern: * stands for any text, ? for one character. An empty
// text fits any call. Without Times, AtLeast and AtMost at least one call is expected.
type Expectation struct {
	Action  string `json:"action,omitempty"`
	Secret  string `json:"secret,omitempty"`
	Key     string `json:"key,omitempty"`
	Version string `json:"version,omitempty"`
	Label   string `json:"label,omitempty"`
	Caller  string `json:"caller,omitempty"`
	Code    string `json:"code,omitempty"`
	Status  string `json:"status,omitempty"`
	Times   *int   `json:"times,omitempty"` // see Exactly
	AtLeast *int   `json:"at_least,omitempty"`
	AtMost  *int   `json:"at_most,omitempty"`
}

// Exactly gives Times, AtLeast and AtMost of an Expectation their number.
func Exactly(number int) *int { return &number }

// All lists the calls of an action, or all when it is empty, in the order in which they came.
func (r Requests) All(action string) []Request {
	path := "requests?limit=100000"
	if action != "" {
		path += "&action=" + url.QueryEscape(action)
	}
	var answer struct{ Requests []Request }
	r.s.must(r.t, "GET", path, nil, &answer)
	for a, b := 0, len(answer.Requests)-1; a < b; a, b = a+1, b-1 {
		answer.Requests[a], answer.Requests[b] = answer.Requests[b], answer.Requests[a]
	}
	return answer.Requests
}

// Count returns how many calls fit the members of an expectation.
func (r Requests) Count(expectation Expectation) int {
	expectation.Times, expectation.AtLeast, expectation.AtMost = nil, new(int), nil
	return r.judged(false, expectation).Expectations[0].Found
}

// Verify fails the test unless the action was called exactly this many times.
func (r Requests) Verify(action string, times int) {
	if r.t != nil {
		r.t.Helper()
	}
	r.Expect(Expectation{Action: action, Times: &times})
}

// Expect fails the test, with the nearest misses, unless all expectations hold.
func (r Requests) Expect(expectations ...Expectation) {
	if r.t != nil {
		r.t.Helper()
	}
	r.check(false, expectations)
}

// ExpectInOrder fails the test unless all expectations hold and their calls came in this order. Others may be between them.
func (r Requests) ExpectInOrder(expectations ...Expectation) {
	if r.t != nil {
		r.t.Helper()
	}
	r.check(true, expectations)
}

type row struct {
	Holds, Incomplete bool
	OutOfOrder        bool `json:"out_of_order"`
	Found             int
	Expected          string
	Requests          []Request
	Nearest           []struct {
		Request     Request
		Differences map[string]struct{ Found []string }
	}
}

type verdict struct {
	Holds        bool
	Expectations []row
}

func (r Requests) judged(inOrder bool, expectations ...Expectation) verdict {
	var answer verdict
	r.s.must(r.t, "POST", "requests/verify", map[string]any{"expectations": expectations, "in_order": inOrder}, &answer)
	return answer
}

func (r Requests) check(inOrder bool, expectations []Expectation) {
	if r.t != nil {
		r.t.Helper()
	}
	answer := r.judged(inOrder, expectations...)
	if answer.Holds {
		return
	}
	var lines []string
	for at, row := range answer.Expectations {
		if !row.Holds {
			lines = append(lines, row.text(expectations[at]))
		}
	}
	text := strings.Join(lines, "\n")
	if r.t == nil {
		panic(text)
	}
	r.t.Error(text)
}

// text says what did not hold, and which calls came instead.
func (row row) text(expectation Expectation) string {
	expectation.Times, expectation.AtLeast, expectation.AtMost = nil, nil, nil
	wanted, _ := json.Marshal(expectation)
	text := fmt.Sprintf("expected %s %s times, and the server saw %d", wanted, row.Expected, row.Found)
	if row.Incomplete {
		text += "; it has dropped calls that could matter: raise [limits] request_log"
	}
	if row.OutOfOrder {
		text += "; not in this order"
	}
	if len(row.Nearest) > 0 {
		text += "\nThe nearest calls were:"
	} else if len(row.Requests) > 0 {
		text += "\nThese calls were:"
	}
	for _, miss := range row.Nearest {
		var differs []string
		for name, difference := range miss.Differences {
			differs = append(differs, name+" is "+strings.Join(difference.Found, ", "))
		}
		sort.Strings(differs)
		text += "\n  " + miss.Request.text() + " (" + strings.Join(differs, "; ") + ")"
	}
	for _, request := range row.Requests {
		text += "\n  " + request.text()
	}
	return text
}

func (request Request) text() string {
	code := request.Code
	if code == "" {
		code = "answered"
	}
	return strings.Join(strings.Fields(request.Action+" "+request.Secret+" "+code), " ")
}
