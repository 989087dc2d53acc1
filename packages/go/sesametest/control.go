package sesametest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	Action  string `json:"action"`             // an exact name, or *
	Secret  string `json:"secret,omitempty"`   // only calls that name this secret
	Times   int    `json:"times,omitempty"`    // at most this many calls; 0 means all
	Code    string `json:"code,omitempty"`     // the error code that the calls get
	DelayMs int    `json:"delay_ms,omitempty"` // the calls wait first
	Drop    string `json:"drop,omitempty"`     // before or after: the connection is closed without an answer
	Matched int    `json:"matched,omitempty"`  // how many calls the rule matched
	Fired   int    `json:"fired,omitempty"`    // how many calls it changed
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

// Add adds a rule after those that are there.
func (f Faults) Add(rule Rule) {
	kept := []Rule{}
	for _, old := range f.Rules() {
		// Setting rules counts from nothing, so a rule keeps only what it has left.
		if old.Times > 0 && old.Times == old.Fired {
			continue
		}
		if old.Times > 0 {
			old.Times -= old.Fired
		}
		old.Matched, old.Fired = 0, 0
		kept = append(kept, old)
	}
	f.s.must(f.t, "PUT", "faults", append(kept, rule), nil)
}

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
	Action, Caller, Code, Reason, Region string
	Status                               int
	Time                                 time.Time
}

// Requests is what was called, at most the last 1,000 calls.
type Requests struct {
	s *Sesame
	t testing.TB
}

// All lists the calls of an action, or all when it is empty, in the order in which they came.
func (r Requests) All(action string) []Request {
	path := "requests?limit=1000"
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

// Verify fails the test unless the action was called exactly so many times.
func (r Requests) Verify(action string, times int) {
	if count := len(r.All(action)); count != times {
		text := fmt.Sprintf("expected %s %d times, and the server saw it %d times. The calls were:", action, times, count)
		calls := r.All("")
		if len(calls) > 30 {
			calls = calls[len(calls)-30:]
		}
		for _, call := range calls {
			text += "\n  " + strings.TrimSpace(call.Action+" "+call.Code)
		}
		if r.t == nil {
			panic(text)
		}
		r.t.Helper()
		r.t.Error(text)
	}
}
