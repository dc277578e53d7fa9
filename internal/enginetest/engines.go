package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"sluice/internal/prestotest"
)

func (r *runner) presto(ctx context.Context) error {
	return r.coordinated(ctx, "PrestoDB", startPresto, places.prestoProperties)
}

func (r *runner) trino(ctx context.Context) error {
	return r.coordinated(ctx, "Trino", startTrino, places.trinoProperties)
}

const alikeGroup = "Statements answered alike"

type starter func(ctx context.Context, c cache, dir string, p places) (*coordinator, error)

// coordinated does all that PrestoDB and Trino do.
func (r *runner) coordinated(ctx context.Context, title string, start starter, properties func(places) map[string]string) error {
	glue, err := record(r.node.url)
	if err != nil {
		return err
	}
	defer glue.Close()
	c, err := start(ctx, r.cache, filepath.Join(r.dir, strings.ToLower(title)), places{glue.URL, r.s3, engineID, engineSecret})
	if err != nil {
		return err
	}
	defer c.stop()
	r.versions = append(r.versions, [2]string{title, c.version})
	r.settings = append(r.settings, setting{title + " " + c.version, settingsText(properties)})
	t := &trial{runner: r, coordinator: c, glue: glue, title: title + " " + c.version}
	t.look(ctx)
	for _, q := range queries {
		t.alike(ctx, q)
		if t.Trino {
			t.alikeByCommand(ctx, q)
		}
	}
	t.make(ctx)
	return nil
}

// settingsText are the properties as a user would have them.
func settingsText(properties func(places) map[string]string) string {
	var b strings.Builder
	all := properties(places{"http://sluice:8080", "http://s3:9000", "an access_key_id of keys", "its secret"})
	for _, name := range slices.Sorted(maps.Keys(all)) {
		value := all[name]
		if strings.HasSuffix(name, "-key") && !strings.Contains(name, "glue") {
			value = "…"
		}
		fmt.Fprintf(&b, "%s=%s\n", name, value)
	}
	return b.String()
}

// A trial is a coordinator that is being tried.
type trial struct {
	*runner
	*coordinator
	glue  *recorder
	title string
}

// note keeps what became of something; err is what was wrong.
func (t *trial) note(group, about string, err error, note string) {
	t.noteBy(t.title, group, about, err, note)
}

func (t *trial) noteBy(title, group, about string, err error, note string) {
	o := outcome{group: group, about: about, engine: title, note: note}
	known, listed := expected[t.name][about]
	switch {
	case err != nil && listed && known.kind == kindOf(err):
		o.reason = known.reason
	case err != nil:
		o.fault = err.Error()
	case listed:
		o.fault = "it is listed as a difference, and was none: " + known.reason
	}
	t.add(o)
}

// alike compares the engine's answer with the bundled engine's.
func (t *trial) alike(ctx context.Context, q query) {
	theirs, ours, err := t.both(ctx, q.sql)
	if err == nil {
		err = differ(theirs, ours)
	}
	t.note(alikeGroup, q.about, err, fmt.Sprintf("%d rows", len(ours.Rows)))
}

// alikeByCommand compares what "sluice query --engine trino" prints.
func (t *trial) alikeByCommand(ctx context.Context, q query) {
	ours, err := t.node.ask(ctx, q.sql)
	if err == nil {
		var printed string
		printed, err = output(ctx, t.binary, "query", "--data-dir", filepath.Join(t.dir, "none"), "--engine", "trino", "--trino-server", t.URL,
			"--trino-catalog", catalogName, "--output", "json", q.sql)
		theirs := prestotest.Answer{SQL: q.sql}
		if err != nil {
			theirs.Error, err = err.Error(), nil
		} else {
			theirs, err = decodeAnswer(q.sql, []byte(printed))
		}
		if err == nil {
			err = differ(theirs, ours)
		}
	}
	t.noteBy("sluice query --engine trino", alikeGroup, q.about, err, fmt.Sprintf("%d rows", len(ours.Rows)))
}

func (t *trial) both(ctx context.Context, sql string) (theirs, ours prestotest.Answer, err error) {
	if theirs, err = t.Ask(ctx, sql); err == nil {
		ours, err = t.node.ask(ctx, sql)
	}
	return theirs, ours, err
}

// A difference is how two answers differ: in one word, and told.
type difference struct{ kind, told string }

func (d difference) Error() string { return d.kind + ": " + d.told }

// kindOf is a difference's word, and "failed" for what is none.
func kindOf(err error) string {
	var d difference
	if errors.As(err, &d) {
		return d.kind
	}
	return "failed"
}

// differ is the difference of two answers, nil if there is none: typed (the same values
// of another type), other, refused (by the bundled engine), theirs (the other engine
// fails).
func differ(theirs, ours prestotest.Answer) error {
	both := fmt.Sprintf("%s\ntheirs: %s\nours: %s", ours.SQL, theirs, ours)
	switch {
	case theirs.Error != "":
		return difference{"theirs", both}
	case ours.Error != "":
		return difference{"refused", both}
	case len(ours.Rows) == 0:
		return difference{"other", ours.SQL + ": no rows, which shows nothing"}
	}
	if word, told := prestotest.Difference(theirs, ours); word != "same" {
		return difference{word, ours.SQL + "\n" + told}
	}
	return nil
}
