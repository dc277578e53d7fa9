package compact

import "context"

// Pace is a pacer's start.
func Pace(ctx context.Context, rate int64, busy func() bool) func(done int64) {
	return (&pacer{rate: rate, busy: busy}).start(ctx)
}
