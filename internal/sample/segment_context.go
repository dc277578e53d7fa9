package sample

// appendContext appends the context object of a call: where it came from.
func appendContext(dst []byte, r *rng, v visitor) []byte {
	if v.phone {
		dst = appendPhone(dst, v)
	} else {
		dst = appendBrowser(dst, r, v)
	}
	dst = append(dst, `,"ip":"`...)
	h := mix(saltVisitor+4, v.number)
	dst = appendInt(dst, int64(11+h&127))
	for range 3 {
		h >>= 8
		dst = append(dst, '.')
		dst = appendInt(dst, int64(h&255))
	}
	dst = append(dst, `","locale":"`...)
	dst = append(dst, locales[v.hash>>8%uint64(len(locales))]...)
	if v.phone {
		dst = append(dst, `","timezone":"`...)
		dst = append(dst, timezones[v.hash>>16%uint64(len(timezones))]...)
	}
	return append(dst, `"}`...)
}

func appendBrowser(dst []byte, r *rng, v visitor) []byte {
	dst = append(dst, '{')
	if r.chance(10) {
		dst = append(dst, campaigns[r.below(uint64(len(campaigns)))]...)
	}
	dst = append(dst, `"library":{"name":"analytics.js","version":"2.11.1"},"page":`...)
	dst = appendPage(dst, r, false)
	dst = append(dst, `,"userAgent":"`...)
	dst = append(dst, browsers[v.hash>>24%uint64(len(browsers))]...)
	return append(dst, '"')
}

// appendPage appends the object that names a page of the store.
func appendPage(dst []byte, r *rng, titled bool) []byte {
	path := paths[r.below(uint64(len(paths)))]
	dst = append(dst, `{"path":"`...)
	dst = append(dst, path.path...)
	if r.chance(30) {
		dst = append(dst, `","referrer":"`...)
		dst = append(dst, referrers[r.below(uint64(len(referrers)))]...)
	}
	if titled {
		dst = append(dst, `","title":"`...)
		dst = append(dst, path.title...)
	}
	dst = append(dst, `","url":"https://bookshop.example`...)
	dst = append(dst, path.path...)
	return append(dst, `"}`...)
}

func appendPhone(dst []byte, v visitor) []byte {
	ph := &phones[v.hash>>24%uint64(len(phones))]
	dst = append(dst, `{"app":{"build":"`...)
	dst = appendInt(dst, int64(300+v.hash>>32%40))
	dst = append(dst, `","name":"Bookshop","version":"3.`...)
	dst = appendInt(dst, int64(v.hash>>40%12))
	dst = append(dst, `.0"},"device":{"id":"`...)
	dst = appendHex(dst, mix(saltVisitor+5, v.number), 8)
	dst = append(dst, ph.device...)
	if v.hash>>48&1 == 0 {
		dst = append(dst, `,"network":{"cellular":true,"wifi":false}`...)
	} else {
		dst = append(dst, `,"network":{"cellular":false,"wifi":true}`...)
	}
	return append(dst, ph.system...)
}

var locales = []string{"en-US", "en-US", "en-GB", "de-DE", "fr-FR", "es-ES", "pt-BR", "ja-JP", "nl-NL", "sv-SE"}

var timezones = []string{
	"America/New_York", "America/Los_Angeles", "America/Chicago", "Europe/London", "Europe/Berlin", "Europe/Paris",
	"Asia/Tokyo", "America/Sao_Paulo", "Australia/Sydney", "Asia/Kolkata",
}

var campaigns = []string{
	`"campaign":{"medium":"email","name":"winter-reads","source":"newsletter"},`,
	`"campaign":{"content":"banner \"new\"","medium":"cpc","name":"new-arrivals","source":"google"},`,
	`"campaign":{"medium":"social","name":"author-talks","source":"mastodon"},`,
	`"campaign":{"medium":"affiliate","name":"partners","source":"readinglist","term":"mystery novels"},`,
}

var browsers = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:146.0) Gecko/20100101 Firefox/146.0",
	"Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:146.0) Gecko/20100101 Firefox/146.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
}

var paths = []struct{ path, title string }{
	{"/", "Bookshop – all books"},
	{"/mystery", "Mystery"},
	{"/new", "New arrivals"},
	{"/search", "Search"},
	{"/cart", "Your cart"},
	{"/checkout", "Checkout"},
	{"/account", "Your account"},
	{"/books/the-silent-harbor", "The Silent Harbor"},
	{"/books/quiet-café", "A Quiet Café in Lisbon"},
	{"/gifts", `For \"them\": gifts`},
}

var referrers = []string{
	"https://www.google.com/", "https://duckduckgo.com/", "https://bookshop.example/",
	"https://news.example.com/",
}

// phones as the context has them: the device but for its id, then what follows
// the network.
var phones = []struct{ device, system string }{
	{
		`","manufacturer":"Apple","model":"iPhone17,1","type":"ios"},"library":{"name":"analytics-ios","version":"4.1.8"}`,
		`,"os":{"name":"iOS","version":"26.1"},"screen":{"density":3,"height":874,"width":402}`,
	},
	{
		`","manufacturer":"Apple","model":"iPhone14,5","type":"ios"},"library":{"name":"analytics-ios","version":"4.1.8"}`,
		`,"os":{"name":"iOS","version":"18.6.2"},"screen":{"density":3,"height":844,"width":390}`,
	},
	{
		`","manufacturer":"Google","model":"Pixel 9","type":"android"},"library":{"name":"analytics-kotlin","version":"1.19.2"}`,
		`,"os":{"name":"Android","version":"16"},"screen":{"density":2.625,"height":2424,"width":1080}`,
	},
	{
		`","manufacturer":"samsung","model":"SM-S921B","type":"android"},"library":{"name":"analytics-kotlin","version":"1.19.2"}`,
		`,"os":{"name":"Android","version":"15"},"screen":{"density":2.8125,"height":2340,"width":1080}`,
	},
}
