package segment

import (
	"bytes"
	"fmt"
	"net/http"

	"sluice/ingest"
	"sluice/internal/jsonscan"
)

// maxShared bounds what a batch adds to each of its calls, in bytes of its context
// and of its integrations, and in members of each: a small batch must not make a
// large table, nor a long search.
const (
	maxShared        = 32 << 10
	maxSharedMembers = 256
)

// A decoder takes a body apart. It is used again for other requests.
type decoder struct {
	scan  jsonscan.Scanner
	items []span // the calls of a batch; those that are no objects are among them
	env   envelope
	body  []byte
	max   int // items
}

func malformed(err error) *ingest.Problem {
	return &ingest.Problem{Status: http.StatusBadRequest, Code: codeMalformed, Message: "the body is not the JSON that was expected: " + err.Error()}
}

// tidy checks that the body is there, and takes line ends out of it.
func (d *decoder) tidy(body []byte) *ingest.Problem {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	body = bytes.Trim(body, " \t\r\n")
	if len(body) == 0 {
		return &ingest.Problem{Status: http.StatusBadRequest, Code: ingest.CodeEmpty, Message: "the body is empty: send a call as a JSON object"}
	}
	if bytes.IndexByte(body, '\n') >= 0 {
		n, err := jsonscan.Object(body)
		if err == nil {
			err = atEnd(body, n)
		}
		if err != nil {
			return malformed(err)
		}
		body = jsonscan.AppendCompact(body[:0], body)
	}
	d.body, d.items, d.env = body, d.items[:0], envelope{}
	return nil
}

// atEnd wants nothing after offset i.
func atEnd(body []byte, i int) error {
	if i = jsonscan.SkipSpace(body, i); i < len(body) {
		return &jsonscan.SyntaxError{Offset: i, Msg: "there is more after the object"}
	}
	return nil
}

// call validates a body that is one call.
func (d *decoder) call(body []byte) *ingest.Problem {
	if p := d.tidy(body); p != nil {
		return p
	}
	n, err := d.scan.Object(d.body)
	if err == nil {
		err = atEnd(d.body, n)
	}
	if err != nil {
		return malformed(err)
	}
	d.items = append(d.items, span{0, n})
	return nil
}

// batch validates a body that is an object with a list of calls in it.
func (d *decoder) batch(body []byte) *ingest.Problem {
	if p := d.tidy(body); p != nil {
		return p
	}
	end, found, err := d.members()
	if err == nil {
		err = atEnd(d.body, end)
	}
	switch {
	case err != nil:
		return malformed(err)
	case !found:
		return &ingest.Problem{Status: http.StatusBadRequest, Code: codeMalformed, Message: `the body has no member "batch", a list of calls`}
	case len(d.items) > d.max:
		return &ingest.Problem{Status: http.StatusBadRequest, Code: ingest.CodeTooLarge,
			Message: fmt.Sprintf("the batch has more than segment.max_events, %d calls; nothing of it was stored", d.max)}
	}
	for _, shared := range []struct {
		name   string
		object []byte
	}{{"context", d.env.context}, {"integrations", d.env.integrations}} {
		if n := membersOf(shared.object); n > maxSharedMembers || len(shared.object) > maxShared {
			return &ingest.Problem{Status: http.StatusBadRequest, Code: ingest.CodeTooLarge,
				Message: fmt.Sprintf("%s of the batch has %d bytes and %d members, %d and %d are allowed", shared.name, len(shared.object), n, maxShared, maxSharedMembers)}
		}
	}
	return nil
}

func membersOf(object []byte) (n int) {
	if object == nil {
		return 0
	}
	for m, ok := jsonscan.NextMember(object, 0); ok; m, ok = jsonscan.NextMember(object, m.End) {
		n++
	}
	return n
}

// members goes through the members of the body; found tells whether one is a batch.
func (d *decoder) members() (end int, found bool, err error) {
	b := d.body
	want := func(i int, c byte) error {
		if i < len(b) && b[i] == c {
			return nil
		}
		return &jsonscan.SyntaxError{Offset: i, Msg: fmt.Sprintf("expected %q", c), Incomplete: i >= len(b)}
	}
	if err := want(0, '{'); err != nil {
		return 0, false, err
	}
	i := jsonscan.SkipSpace(b, 1)
	if want(i, '}') == nil {
		return i + 1, false, nil
	}
	for {
		if err := want(i, '"'); err != nil {
			return 0, false, err
		}
		m := jsonscan.Member{Key: i}
		if m.KeyEnd, _, err = jsonscan.String(b, i); err != nil {
			return 0, false, err
		}
		i = jsonscan.SkipSpace(b, m.KeyEnd)
		if err := want(i, ':'); err != nil {
			return 0, false, err
		}
		i = jsonscan.SkipSpace(b, i+1)
		if i < len(b) && b[i] == '[' && string(m.Name(b)) == "batch" {
			found = true
			if i, err = d.list(i); err != nil {
				return 0, false, err
			}
		} else {
			m.Value = i
			n, err := jsonscan.Value(b[i:])
			if err != nil {
				return 0, false, shifted(err, i)
			}
			m.End, i = i+n, i+n
			d.env.member(b, m)
		}
		i = jsonscan.SkipSpace(b, i)
		if want(i, '}') == nil {
			return i + 1, found, nil
		}
		if err := want(i, ','); err != nil {
			return 0, false, err
		}
		i = jsonscan.SkipSpace(b, i+1)
	}
}

// list validates the list of calls at i and returns its end. It stops looking at a
// list that is too long.
func (d *decoder) list(i int) (end int, err error) {
	b := d.body
	i = jsonscan.SkipSpace(b, i+1)
	if i < len(b) && b[i] == ']' {
		return i + 1, nil
	}
	for {
		var n int
		if i < len(b) && b[i] == '{' {
			n, err = d.scan.Object(b[i:])
		} else {
			n, err = jsonscan.Value(b[i:])
		}
		if err != nil {
			return 0, shifted(err, i)
		}
		if len(d.items) <= d.max {
			d.items = append(d.items, span{i, i + n})
		}
		i = jsonscan.SkipSpace(b, i+n)
		switch {
		case i < len(b) && b[i] == ']':
			return i + 1, nil
		case i < len(b) && b[i] == ',':
			i = jsonscan.SkipSpace(b, i+1)
		default:
			return 0, &jsonscan.SyntaxError{Offset: i, Msg: "expected ',' or ']' in the batch", Incomplete: i >= len(b)}
		}
	}
}

// shifted is an error in data that begins at offset by.
func shifted(err error, by int) error {
	if at, ok := err.(*jsonscan.SyntaxError); ok {
		moved := *at
		moved.Offset += by
		return &moved
	}
	return err
}

// member takes what counts for all calls. Null counts for nothing.
func (env *envelope) member(body []byte, m jsonscan.Member) {
	value := body[m.Value:m.End]
	set := func(to *[]byte, ok bool) {
		if *to == nil && ok {
			*to = value
		}
	}
	switch string(m.Name(body)) {
	case "writeKey":
		set(&env.writeKey, value[0] == '"')
	case "sentAt":
		set(&env.sent, value[0] != 'n')
	case "context":
		set(&env.context, value[0] == '{')
	case "integrations":
		set(&env.integrations, value[0] == '{')
	}
}
