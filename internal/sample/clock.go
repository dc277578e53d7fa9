package sample

// clockBits are the binary places of a millisecond that a clock keeps.
const clockBits = 20

// A clock hands out times that go forward, one in each slot.
type clock struct {
	start int64  // epoch milliseconds
	slot  uint64 // milliseconds << clockBits
	past  uint64 // what the slots so far come to
}

// next is the next event's time in epoch milliseconds: somewhere in its slot,
// or, one time in 50, up to ten minutes late.
func (c *clock) next(r *rng) int64 {
	u := r.uint64()
	t := int64((c.past + within(u, c.slot)) >> clockBits)
	c.past += c.slot
	if u&0xff < 5 {
		t = max(0, t-int64(within(mix(1, u), 600_000)))
	}
	return c.start + t
}
