"""The sentences that a precision variant is fitted to, and those on which it is then judged.

From 2 to 150 words, from many domains, with numbers and several languages: the error of a variant
depends on length and vocabulary, and short texts suffer most. The two sets share no sentence.
"""

_SHORT = (
    "Great location",
    "Not worth it",
    "Terrible service!!!",
    "error 404",
    "$1,299.00 total",
    "Blue cotton shirt, size M",
    "Nice stay, friendly staff",
    "Card declined again",
    "Rooms need updating",
    "Order #A-20871 not delivered",
    "Reset my password please",
    "How do I top up?",
    "Best pizza in town",
    "Meeting moved to 3 pm",
    "NullPointerException in main",
    "Guter Service, gerne wieder",
    "Muy recomendable",
    "Pas terrible",
    "とても良かったです",
    "Очень понравилось",
    "服务很好",
    "Bom custo-benefício",
)
_MEDIUM = (
    "I still have not received my new card, I ordered it over a week ago.",
    "The exchange rate you applied to my transfer on 14/03/2024 is wrong.",
    "Quarterly revenue rose 12.4% to $3.8 billion, beating analysts' estimates.",
    "The patient reports intermittent chest pain and shortness of breath since Monday.",
    "Preheat the oven to 180 C, then whisk three eggs with 200 g of sugar.",
    "A man is playing a guitar on the street while children are dancing.",
    "The tenant shall give written notice thirty days before the end of the lease.",
    "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen.",
    "SELECT name, count(*) FROM visits GROUP BY name ORDER BY 2 DESC LIMIT 10",
    "def area(radius): return 3.14159 * radius ** 2  # in square metres",
    "The midfielder scored twice in the second half as the visitors won 3-1.",
    "Battery lasts about 6 hours, screen is bright, but the keyboard feels cheap.",
    "We loved the breakfast buffet; the pool, however, was closed for repairs.",
    "Flight BA284 from London to Los Angeles is delayed by two hours.",
    "Das Zimmer war sauber, aber das WLAN funktionierte nur in der Lobby.",
    "La habitación era pequeña y el aire acondicionado hacía mucho ruido.",
    "Le personnel était très aimable et le petit déjeuner excellent.",
    "Il treno per Milano parte alle 18:45 dal binario sette.",
    "De levering kwam een dag te laat en de doos was beschadigd.",
    "Uygulama her açtığımda kapanıyor, lütfen düzeltin.",
    "यह होटल स्टेशन के पास है और कमरे साफ़ हैं।",
    "كان الفندق نظيفا والموظفون ودودين للغاية.",
)
_LONG = (
    "We stayed here for four nights during a conference downtown. Check-in took almost forty "
    "minutes because the system was down, yet the young woman at the desk stayed calm, apologised, "
    "and gave us a room on a higher floor. The bed was comfortable and the bathroom spotless, but "
    "the walls are thin: we heard every word of the neighbours' television until well past "
    "midnight. Breakfast is included and better than average, with fresh fruit and good coffee. "
    "Parking costs 28 dollars a night, which nobody mentioned when we booked. Would we come back? "
    "For the location, yes; for a quiet weekend, probably not.",
    "The committee reviewed the application submitted on 2 February and found that the proposed "
    "extension meets the height limit of the district. Two neighbours objected that the upper "
    "windows would overlook their gardens. The applicant agreed to frosted glass on the northern "
    "side and to plant a hedge of at least two metres. Under section 14 of the building code the "
    "committee therefore grants permission, on condition that work starts within eighteen months "
    "and that the protected oak is fenced during construction.",
    "In machine learning, a model that is too flexible fits the noise of its training data and "
    "fails on new cases, while a model that is too rigid misses the pattern itself. The usual "
    "remedy is to hold out a part of the data, to fit models of growing flexibility on the rest, "
    "and to choose the one that does best on the held-out part. With few data the split is "
    "repeated several times and the results are averaged. None of this helps if the data that "
    "will come later differ from those at hand, which is the most common cause of disappointment "
    "in practice: prices change, customers move, sensors age, and languages drift.",
    "Hello, I bought a coffee machine (model CM-450, serial number 88213-X) from your online shop "
    "on the 9th of May. It worked well for three weeks; since yesterday it shows error E07, and "
    "water leaks from the bottom as soon as I switch it on. I have already descaled it twice and "
    "replaced the filter as your support page recommends. Please tell me whether I should send it "
    "back, or whether a technician can come, because I cannot carry ten kilograms to the post "
    "office. I would also like to know how long a repair takes and whether I get a replacement in "
    "the meantime. My order number is 2024-55102.",
)

FITTING: tuple[str, ...] = (*_SHORT, *_MEDIUM, *_LONG)

JUDGING: tuple[str, ...] = (
    "Loved it",
    "Average at best",
    "Wi-Fi keeps dropping",
    "Refund please!",
    "Golden Gate Bridge",
    "size 42, colour black",
    "2 adults, 1 child, 3 nights",
    "timeout after 30000 ms",
    "Why was I charged twice?",
    "Clean, quiet, central",
    "Sehr laut in der Nacht",
    "Excelente ubicación",
    "Trop cher pour ce que c'est",
    "価格が高すぎる",
    "Больше не приеду",
    "交通方便，房间干净",
    "My transfer to a friend in Spain has been pending since Tuesday.",
    "Two dogs are running across a snowy field behind a red fence.",
    "The central bank left its key rate unchanged at 4.25 percent.",
    "Take one tablet twice a day after meals for seven days.",
    "Stir the onions over low heat until they are soft and golden.",
    "The court dismissed the appeal and ordered each party to bear its costs.",
    "Water boils at a lower temperature on high mountains.",
    "SELECT city, avg(price) FROM hotels WHERE stars >= 4 GROUP BY city",
    "for i in range(10): print(i, i ** 2)",
    "The goalkeeper saved a penalty in the last minute of the final.",
    "The camera is superb in daylight, but the phone gets hot when charging.",
    "Der Aufzug war defekt, wir mussten in den fünften Stock laufen.",
    "El desayuno estaba frío y nadie nos atendió en la recepción.",
    "La chambre donnait sur la mer et le lit était très confortable.",
    "O atendimento foi ótimo, mas o quarto tinha cheiro de mofo.",
    "Het hotel ligt vlak bij het strand en de kamers zijn ruim.",
    "Our family booked two rooms for a wedding weekend. One was ready at noon, the other only at "
    "five, and it had not been cleaned. The manager was polite and took 20% off the bill, which we "
    "appreciated, but the children had to change in the lobby. The pool is lovely, the towels are "
    "thin, and the elevator needs a repair. Dinner in the restaurant was the best of our trip.",
    "After the update to version 5.2 the application no longer opens files larger than 2 GB. It "
    "shows a progress bar up to 99% and then closes without a message. I tried another computer, "
    "another user account and a fresh installation, with the same result. Version 5.1 opens the "
    "same files in about ten seconds. The log is attached; the last line says that a buffer could "
    "not be allocated, although 12 GB of memory are free.",
)
