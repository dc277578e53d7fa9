package convert

import (
	"context"

	"sluice/internal/lake"
)

// Infer is the columns that records call for, by the package's rules; what is no JSON
// object is passed over.
func Infer(ctx context.Context, blocks lake.Blocks) ([]lake.Column, error) {
	in := &inferrer{}
	for block, err := range blocks() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		for line := range lines(block.Data) {
			in.add(line)
		}
	}
	return evolve(nil, in.root.columns(nil, 1), nil, MaxColumns), nil
}
