package sample

// appendBody appends the members that belong to one type of call, each with a
// comma before it.
func (s *segment) appendBody(dst []byte, r *rng, v visitor, call int, millis int64) []byte {
	switch call {
	case callTrack:
		event := int(s.events.of(r.uint64()))
		s.tracks[event]++
		dst = append(dst, `,"event":"`...)
		dst = append(dst, trackEvents[event]...)
		dst = append(dst, `","properties":`...)
		return s.appendProperties(dst, r, event)
	case callPage:
		dst = append(dst, `,"name":"`...)
		dst = append(dst, pageNames[r.below(uint64(len(pageNames)))]...)
		dst = append(dst, `","properties":`...)
		return appendPage(dst, r, true)
	case callScreen:
		dst = append(dst, `,"name":"`...)
		dst = append(dst, pageNames[r.below(uint64(len(pageNames)))]...)
		dst = append(dst, `","properties":{"seconds_in_foreground":`...)
		dst = appendInt(dst, int64(r.below(900)))
		return append(dst, '}')
	case callIdentify:
		return appendUserTraits(dst, v, millis)
	case callGroup:
		return appendGroup(dst, v)
	default: // alias
		dst = append(dst, `,"previousId":"`...)
		dst = v.appendAnonymousID(dst)
		return append(dst, '"')
	}
}

// appendProperties appends what happened in the store.
func (s *segment) appendProperties(dst []byte, r *rng, event int) []byte {
	switch event {
	case eventViewed, eventAdded:
		p := &s.products[s.popular.of(r.uint64())]
		dst = append(dst, '{')
		dst = append(dst, p.json...)
		dst = append(dst, `,"price":`...)
		dst = appendCents(dst, p.cents)
		dst = append(dst, `,"quantity":`...)
		dst = appendInt(dst, int64(1+r.below(3)))
		return append(dst, '}')
	case eventListViewed:
		dst = append(dst, `{"list_id":"bestsellers","products":`...)
		dst, _ = s.appendProducts(dst, r, 1+r.below(3))
		return append(dst, '}')
	case eventSearched:
		dst = append(dst, `{"query":"`...)
		dst = append(dst, searches[r.below(uint64(len(searches)))]...)
		dst = append(dst, `","results":`...)
		dst = appendInt(dst, int64(r.below(400)))
		return append(dst, '}')
	case eventCheckout, eventCompleted:
		return s.appendOrder(dst, r, event == eventCompleted)
	default: // signed up
		dst = append(dst, `{"plan":"`...)
		dst = append(dst, plans[r.below(uint64(len(plans)))]...)
		return append(dst, `","source":"web","terms":true}`...)
	}
}

// appendOrder appends an order; revenue is in it once it is complete.
func (s *segment) appendOrder(dst []byte, r *rng, complete bool) []byte {
	if r.chance(25) {
		dst = append(dst, `{"coupon":"WINTER26",`...)
	} else {
		dst = append(dst, '{')
	}
	dst = append(dst, `"currency":"USD","order_id":"`...)
	dst = appendHex(dst, r.uint64(), 6)
	dst = append(dst, `","products":`...)
	dst, cents := s.appendProducts(dst, r, 1+r.below(2))
	if complete {
		s.revenue += cents
		dst = append(dst, `,"revenue":`...)
		dst = appendCents(dst, cents)
	}
	shipping := int64(r.below(3)) * 250
	dst = append(dst, `,"shipping":`...)
	dst = appendCents(dst, shipping)
	dst = append(dst, `,"total":`...)
	dst = appendCents(dst, cents+shipping)
	return append(dst, '}')
}

// appendProducts appends an array of n products and returns what they cost.
func (s *segment) appendProducts(dst []byte, r *rng, n uint64) (out []byte, cents int64) {
	dst = append(dst, '[')
	for i := range n {
		p := &s.products[s.popular.of(r.uint64())]
		quantity := int64(1 + r.below(20)/18)
		cents += quantity * p.cents
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		dst = append(dst, p.json...)
		dst = append(dst, `,"price":`...)
		dst = appendCents(dst, p.cents)
		dst = append(dst, `,"quantity":`...)
		dst = appendInt(dst, quantity)
		dst = append(dst, '}')
	}
	return append(dst, ']'), cents
}

// appendUserTraits appends what is known of a user, who signed up some day of
// the year before.
func appendUserTraits(dst []byte, v visitor, millis int64) []byte {
	h := mix(saltVisitor+7, v.number)
	first := firstNames[within(h, uint64(len(firstNames)))]
	last := lastNames[within(mix(saltVisitor+8, v.number), uint64(len(lastNames)))]
	city := &cities[h>>8%uint64(len(cities))]
	dst = append(dst, `,"traits":{"address":{"city":"`...)
	dst = append(dst, city.name...)
	dst = append(dst, `","country":"`...)
	dst = append(dst, city.country...)
	dst = append(dst, `","postalCode":"`...)
	dst = appendDigits(dst, int64(h>>16%100_000), 5)
	dst = append(dst, `"},"age":`...)
	dst = appendInt(dst, int64(16+h>>24%60))
	dst = append(dst, `,"createdAt":"`...)
	dst = appendTime(dst, january2026-int64(within(h, 365))*dayMillis+millis%dayMillis)
	dst = append(dst, `","email":"reader`...)
	dst = appendInt(dst, int64(v.number))
	dst = append(dst, `@mail.example","name":"`...)
	dst = append(dst, first...)
	dst = append(dst, ' ')
	dst = append(dst, last...)
	dst = append(dst, `","newsletter":`...)
	if h>>32&1 == 0 {
		dst = append(dst, `false`...)
	} else {
		dst = append(dst, `true`...)
	}
	dst = append(dst, `,"plan":"`...)
	dst = append(dst, plans[h>>40%uint64(len(plans))]...)
	return append(dst, `"}`...)
}

// appendGroup appends one of 400 reading circles.
func appendGroup(dst []byte, v visitor) []byte {
	n := v.hash >> 20 % 400
	h := mix(saltVisitor+9, n)
	dst = append(dst, `,"groupId":"group_`...)
	dst = appendDigits(dst, int64(n), 4)
	dst = append(dst, `","traits":{"employees":`...)
	dst = appendInt(dst, int64(2+h%500))
	dst = append(dst, `,"industry":"`...)
	dst = append(dst, industries[h>>16%uint64(len(industries))]...)
	dst = append(dst, `","name":"Readers of `...)
	dst = append(dst, places[h>>32%uint64(len(places))]...)
	dst = append(dst, `","plan":"`...)
	dst = append(dst, plans[h>>48%uint64(len(plans))]...)
	return append(dst, `"}`...)
}

var pageNames = []string{"Home", "Category", "Product", "Search", "Cart", "Checkout", "Account"}

var searches = []string{
	"silent harbor", "mystery 2026", "cookbook \\\"quick\\\"", "poésie", "children age 5", "history of glass", "村上春樹", "gift card",
}

var plans = []string{"free", "reader", "collector"}

var industries = []string{"Education", "Media", "Libraries", "Technology", "Health"}

var cities = []struct{ name, country string }{
	{"Portland", "US"}, {"Austin", "US"}, {"Leeds", "GB"}, {"Köln", "DE"}, {"Lyon", "FR"}, {"Toronto", "CA"},
	{"Recife", "BR"}, {"Osaka", "JP"}, {"Utrecht", "NL"}, {"Malmö", "SE"},
}
