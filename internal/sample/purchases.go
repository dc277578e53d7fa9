package sample

import "sync"

const (
	bookCount = 20_000
	userCount = 300_000
)

// Salts of mix.
const (
	saltBook uint64 = 0x100 << 32 * (iota + 1)
	saltUser
	saltProduct
	saltVisitor
	saltHost
)

// A book is the part of a purchase that is fixed by what was bought.
type book struct {
	genre uint8
	// json is the event up to the user's id.
	json string
}

// A bookshop is what all purchases generators share.
type bookshop struct {
	books     []book
	popular   weights // of books
	countries weights // of users
}

var openBookshop = sync.OnceValue(func() *bookshop {
	shop := &bookshop{books: make([]book, bookCount), popular: newWeights(zipf(bookCount, 8))}
	odds := make([]uint64, len(countries))
	for i, c := range countries {
		odds[i] = c.odds
	}
	shop.countries = newWeights(odds)
	for i := range shop.books {
		shop.books[i] = newBook(uint64(i))
	}
	return shop
})

func newBook(i uint64) book {
	n := uint64(0)
	draw := func(limit int) uint64 {
		n++
		return within(mix(saltBook+n, i), uint64(limit))
	}
	word := func(list []string) string { return list[draw(len(list))] }
	var title string
	switch draw(6) {
	case 0:
		title = "The " + word(adjectives) + " " + word(nouns)
	case 1:
		title = "The " + word(nouns) + " of " + word(places)
	case 2:
		title = word(nouns) + " and " + word(nouns)
	case 3:
		title = "A " + word(adjectives) + " " + word(nouns) + " in " + word(places)
	case 4:
		title = "The Last " + word(nouns) + ": A Novel"
	default:
		title = `"` + word(adjectives) + `" and Other Stories`
	}
	author := word(firstNames) + " " + word(lastNames)
	genre := uint8(min(draw(len(genres)), draw(len(genres))))
	j := append([]byte(nil), `{"bookId":"`...)
	j = appendUUID(j, mix(saltBook+100, i), mix(saltBook+101, i))
	j = append(j, `","title":`...)
	j = appendJSON(j, title)
	j = append(j, `,"author":`...)
	j = appendJSON(j, author)
	j = append(j, `,"genre":"`...)
	j = append(j, genres[genre]...)
	j = append(j, `","userId":"`...)
	return book{genre: genre, json: string(j)}
}

// purchases are the events of the bookshop.
type purchases struct {
	*bookshop
	bought    set
	buyers    set
	genres    [16]int64
	countries [64]int64
}

func newPurchases() shape {
	return &purchases{bookshop: openBookshop(), bought: newSet(bookCount), buyers: newSet(userCount)}
}

func (p *purchases) append(dst []byte, r *rng, millis int64) []byte {
	number := p.popular.of(r.uint64())
	b := &p.books[number]
	user := r.skewed(userCount)
	h := mix(saltUser, user)
	country := p.bookshop.countries.of(h)
	// Two dice: most are between 30 and 50.
	age := 14 + h>>8&31 + h>>16&31

	p.bought.add(uint64(number))
	p.buyers.add(user)
	p.genres[b.genre]++
	p.countries[country]++

	dst = append(dst, b.json...)
	dst = appendUUID(dst, mix(saltUser+1, user), mix(saltUser+2, user))
	dst = append(dst, `","userCountry":"`...)
	dst = append(dst, countries[country].code...)
	dst = append(dst, `","userAge":`...)
	dst = appendInt(dst, int64(age))
	dst = append(dst, `,"purchaseTimestamp":`...)
	dst = appendInt(dst, millis/1000)
	return append(dst, "}\n"...)
}

func (p *purchases) truth(t *Truth) {
	t.group("genre", genres, p.genres[:])
	codes := make([]string, len(countries))
	for i, c := range countries {
		codes[i] = c.code
	}
	t.group("userCountry", codes, p.countries[:])
	t.Distinct["bookId"] = p.bought.size()
	t.Distinct["userId"] = p.buyers.size()
}
