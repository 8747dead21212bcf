"""Names and words that many people know: an answer that is one of them is meant, and never a slip for another name.

A spelling checker does not mend what is in its dictionary; "Milton" is not a misspelt "Hilton". The list is for names that
differ from other well-known ones by a letter or two, and need not be complete: a class map adds its own by ``distinct_from``.
"""

from __future__ import annotations

KNOWN_NAMES = frozenset(
    """
    acer acura adidas aetna agfa airbus aldi alfa alliance allianz alpha alpine amazon ample amsted amstel ape apollo apple
    apply arby arbys ariel arla armani asics aspen asus atari athena atlantic atlas atom audi austin avis avon bacardi baker
    ball bally banana barclay barclays barilla barnes basic bayer bell belle bells bench benetton bentley beretta berkeley
    berlin best bill bing blackberry blueberry boeing bolt bond bong bonk boots border bosch bose boss boston boxer brandt braun
    bravo breguet bridgestone brimstone bristol britannia brother brown buick bulgari bulk bull bullet burberry burger burton
    butler cadbury caesar cake calvin camel camper canada canal candy canon canton canyon carla carlo carlton carrera carrier
    carter cartier casino casio caterpillar champion chanel chase chelsea cherry chester chevron china chrysler cisco citi
    citizen city clark clarks clinic cloud coach coal cobra coca cocoa coke cola coleman colgate collins colombia colorado
    columbia comet compass concord connect converse cool cooper coral corona corsa corsair cosmo costa costco cotton cougar
    country crane crest cross crown crystal cuba daewoo dallas dana danone dart data david delia dell delta denim denon denver
    desert diamond diana diesel dior disney dixie dodge dolce dollar dolphin domino dove dover dragon dream dunhill dunlop
    duracell eagle earth easton easy echo eclipse edison elite emerald emirates empire energy epson ericsson esprit essence esso
    euro evan evans every evian express exxon falcon fanta fashion fendi ferrari ferrero fiat fila fire fjord flora florida
    focus foot force ford forest fortune fossil foster fox france frank freedom fresh fuji fujitsu fusion galaxy gallery gamma
    garden garmin garnier gazprom gemini genesis geneva geox giant gibson gillette givenchy global gloria glory gold golden
    goodyear google grace grand grant graph green gucci guess gulf halifax hamilton harley harper harris harvard harvest hasbro
    hawaii heart heaven heineken heinz helen henkel henry herald hermes hertz hilti hilton hitachi hobart holland home honda
    honey honor horizon horse hotel house hudson huggies hugo humber hummer hunter husqvarna hyatt hyundai iceland icon ideal
    impact imperial india indigo infinity intel inter invest island isuzu ivory jacobs jaguar james japan jasmine java jeep
    jelly jersey jewel johnson jordan journal joy jumbo jungle juniper jupiter kappa karcher kellogg kent kenwood kenzo king
    kings kingston kirby kitchen kiwi klein knight kodak kraft lacoste lada lambert lamborghini lancaster lancia lancome land
    latin laura laurel lavazza lead leader leaf legend lego lenovo leon level levis lexis lexus liberty lidl light lilly lincoln
    linde line link lion lipton liquid little lloyd lloyds logic logitech london lotte lotus louis lucky luna lunar lynx macys
    magic magnum manchester mandarin mango maple marathon march marina mark market mars marshall martin martini marvel marvell
    master mastercard matrix mattel max maxim maxima maxwell mayer mazda mega mercedes mercury metal meteor metro michelin
    michigan micro midas milan mill miller milton mini minolta mint mirage mirror mitsubishi mobil mobile model modern monaco
    monroe monster montana moon morgan morris moscow motion motor motorola mountain mozilla munich munster music mustang nabisco
    national nature navy nescafe nestea nestle network nevada newton niagara nike nikon nintendo nissan nivea noble nokia nordic
    norton nova novartis novell oasis oberbank ocean olive olympia olympic olympus omega opal opel optic oracle orange orbit
    orchid oreo orient orion oscar oxford pacific palace palm palmer pampers panasonic panda panther parade paradise paris
    parker patron peach pearl pegasus pelican pepsi perfect perrier persil peugeot pfizer phantom philips phillips phoenix piano
    pilot pioneer pirelli pixel planet plaza point polar pole polo pontiac porsche post prada prairie premier prestige prime
    prince princess pringles pro puma pumas puna pure quaker quality quartz queen quest radio rainbow ram ranger rapid raven
    rebel reebok regal regent renault republic ring rings rival river roche rocket rogers rolex rolls roman rose rossi rover
    royal ruby russell saab safari saga salem sally salomon sample samsung sandro santa santander sanyo saturn saudi savage
    sberbank scania scott seagate sears seat sega seiko senate seven shark sharp shell shield siemens sierra signal silk silver
    simon simple sing singer skoda sky skype smart smith snapple snell snow soda solar solo sonic sony south spark spartan
    spectrum speedo spirit spring sprint sprite square staples star starter state steam stella sterling stone store strong
    studio subaru subway summer summit sunday sunrise super supreme surface suzuki swan swatch swift swiss symbol tango target
    tata taylor tech telia tempo tesco tesla texaco texas think thomas thomson thunder tiffany tiger timber timberland time
    times timex titan toblerone tommy toner topaz toshiba total toyota travel tree triumph trojan tropic trust tudor tulip turbo
    twin twitter umbra union unique unity universal uranus vans vector vega venus vera verona versace vertex victor victoria
    victory viking villa vintage virgin visa vision vista vital vodafone vogue volcano volkswagen volvo vortex voyager walker
    walmart warner water watson wave wella wells wendy wendys west western whirlpool white wilson wind windows wine wing winner
    winston winter wolf wonder wood world wrangler wrigley xerox yahoo yale yamaha yeti yoga york young yves zara zenith zero
    zeus zippo zone
    """.split()  # noqa: SIM905  # a list of a thousand quoted words is no easier to read
)
