package firehose

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"sluice/configs"
	"sluice/internal/lake"
)

// A definition is a delivery stream that was created by the API.
type definition struct {
	Created     time.Time         `json:"created"`
	Updated     time.Time         `json:"updated,omitzero"`
	Version     int               `json:"version"`
	Destination destination       `json:"destination"`
	Tags        map[string]string `json:"tags,omitempty"`

	stream configs.Stream // what Destination means
}

// Definitions are the delivery streams that were created by the API. They are in
// one file, which is replaced as a whole: aside, synced, renamed, folder synced. If we
// crash before the rename the old ones are there, after it the new ones; nobody is
// told before.
type Definitions struct {
	path string

	mu       sync.RWMutex
	byName   map[string]*definition // a definition does not change, it is replaced; guarded by mu
	deleting map[string]bool        // streams that take nothing any more; guarded by mu
}

// OpenDefinitions reads the file at path, if there is one.
func OpenDefinitions(path string) (*Definitions, error) {
	d := &Definitions{path: path, byName: map[string]*definition{}, deleting: map[string]bool{}}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &d.byName)
	}
	if err != nil {
		return nil, fmt.Errorf("read delivery streams %s: %w", path, err)
	}
	for name, def := range d.byName {
		if def.stream, err = def.Destination.stream(); err != nil {
			return nil, fmt.Errorf("read delivery streams %s: %s: %w", path, name, err)
		}
	}
	return d, nil
}

// Stream is what a stream that was created by the API has in place of a
// configuration; ok is false for another.
func (d *Definitions) Stream(name string) (s configs.Stream, ok bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	def := d.byName[name]
	if def == nil {
		return s, false
	}
	return def.stream, true
}

// Names are those of the streams that were created by the API.
func (d *Definitions) Names() []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Sorted(maps.Keys(d.byName))
}

func (d *Definitions) get(name string) *definition {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byName[name]
}

// closed reports whether the stream is being deleted.
func (d *Definitions) closed(name string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.deleting[name]
}

// setClosed says whether the stream is being deleted; ok is false where somebody
// else said so already.
func (d *Definitions) setClosed(name string, closed bool) (ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if closed && d.deleting[name] {
		return false
	}
	if closed {
		d.deleting[name] = true
	} else {
		delete(d.deleting, name)
	}
	return true
}

// change replaces the definition of a stream by what edit makes of it; nil for none,
// before and after. It is durable when change returns nil.
func (d *Definitions) change(name string, edit func(old *definition) (*definition, error)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	def, err := edit(d.byName[name])
	if err != nil {
		return err
	}
	all := maps.Clone(d.byName)
	if all[name] = def; def == nil {
		delete(all, name)
	}
	b, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return fmt.Errorf("write delivery streams: %w", err)
	}
	if err := lake.ReplaceFile(d.path, append(b, '\n')); err != nil {
		return fmt.Errorf("write delivery streams: %w", err)
	}
	d.byName = all
	return nil
}
