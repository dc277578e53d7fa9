package convert

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/convert/jq"
	"sluice/partitioner"
)

// CheckRules checks what partitioner does not know of: the jq query of partition
// keys. A query that says which keys it gives must give those that the prefix names.
func CheckRules(rules *partitioner.Rules) error {
	if rules.Query() == "" {
		return nil
	}
	program, err := jq.Compile(rules.Query())
	if err != nil {
		return err
	}
	keys, ok := program.Keys()
	_, members := rules.Program()
	for _, name := range members {
		if ok && !slices.Contains(keys, name) {
			return fmt.Errorf("the prefix names the partition key %q, which the query does not give; it gives %s", name, strings.Join(keys, ", "))
		}
	}
	return nil
}

// keyed finds the values of rules whose keys a jq program makes. It reads the record
// that is converted, and changes nothing of it.
type keyed struct {
	runner  *jq.Runner
	members []string
}

// newKeyed compiles the program of rules; nil where they need none.
func newKeyed(rules *partitioner.Rules) (*keyed, error) {
	source, members := rules.Program()
	if source == "" {
		return nil, nil
	}
	program, err := jq.Compile(source)
	if err != nil {
		return nil, fmt.Errorf("query of partition keys: %w", err)
	}
	return &keyed{program.Runner(), members}, nil
}

// values are those that the rules' evaluator asks for, good until the next call. The
// error is a *keyError, or that of ctx.
func (k *keyed) values(ctx context.Context, record []byte, arrival time.Time) ([][]byte, error) {
	values, err := k.runner.Members(ctx, record, arrival, k.members)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, &keyError{fmt.Errorf("the query of partition keys: %w", err)}
	}
	return values, nil
}

// locate finds the path of the record that was parsed last.
func (l *lane) locate(ctx context.Context) (err error) {
	values := l.shred.parts
	if l.keyed != nil {
		if values, err = l.keyed.values(ctx, l.shred.data[l.shred.start:], l.arrival); err != nil {
			return err
		}
	}
	l.path = l.eval.AppendPath(l.path[:0], values, l.arrival)
	if fault := l.eval.Fault(); fault != nil {
		return &keyError{fault}
	}
	return nil
}

// A keyError is a record whose partition cannot be told.
type keyError struct{ error }

// extractionFailed is what Firehose calls it.
const extractionFailed = "DynamicPartitioning.MetadataExtractionFailed"
