package convert

import (
	"context"
	"errors"

	"sluice/internal/lake"
)

// rewritten parses a block whose records are rewritten first. Where one fails, it
// is the record as it was received that goes to the document of failures.
func (l *lane) rewritten(ctx context.Context, block lake.Block) error {
	var line []byte
	for record := range lines(block.Data) {
		out, err := l.rewriter.record(ctx, record, block.Arrival)
		if err != nil || out == nil {
			if err = l.leaveOut(record, block, err); err != nil {
				return err
			}
			continue
		}
		l.original = record
		line = append(append(line[:0], out...), '\n')
		for taken := 0; taken == 0; { // a deal may come first
			if taken, err = l.piece(ctx, line, block.Arrival); err != nil {
				return err
			}
			l.staged.keep() // the line is written over
		}
	}
	l.original = nil
	return nil
}

// leaveOut takes note of a record that is not converted: the transform failed on
// it, or left it out if err is nil.
func (l *lane) leaveOut(record []byte, block lake.Block, err error) error {
	var failed *transformError
	switch {
	case err != nil && !errors.As(err, &failed):
		return err
	case l.spill != nil:
		return l.spill.add(0, record, block.Arrival) // so it will be when it is read back
	case failed == nil:
		l.result.Filtered++
		return nil
	}
	return l.transformFailures.add(record, block.Arrival, "Transform.Failed", failed.Error())
}
