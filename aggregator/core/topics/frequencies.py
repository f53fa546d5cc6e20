"""Which words news is full of, so that a query is looked up by a word that is rare. It decides speed, never truth.

The table is a rough one on purpose: each line says in what share of entries of a few hundred words its words stand. All
its words are folded. What is not in it is judged by its length.
"""

from bisect import bisect_left
from functools import cache
from itertools import islice, takewhile

from aggregator.core.text import stem

_SHARES: dict[float, str] = {
    0.9: "a an and as at by for from has in is it of on that the to was with",
    0.5: """
        about after all also are be been but had have he her his i its more new no not one or out over said she than
        their they this up we were when which who will would year you
        """,
    0.2: """
        according against among another any around back because before being between both can could day days did do
        down during each even first former four friday get going government group him how if into just last like made
        make many may me million monday month months most much must my next now off only other our own part people
        percent police president public report s saturday say says second see several should since so some state
        states still such sunday take them then there these those three through thursday time told too tuesday two
        under until us use used very want way wednesday week weeks well what where while years your
        """,
    0.07: """
        able across agency ago agreement air already always american announced april area areas army asked attack
        attacks august authorities available ban bank become began behind believe best better big bill billion black
        board body book border brought build business called came campaign capital car care case cases cause center
        central centre change changes charge charged chief child children china chinese cities city claim come comes
        coming committee community companies company congress continue control cost council countries country county
        court crime critics cut data deal death december decision defence defense department despite development died
        director district doing done due early east economic economy education election emergency end energy enough
        europe european event ever every evidence executive expected face fact family far february federal few fight
        final financial find fire five following food force forces foreign found free full future game general give
        given global go good great ground groups growth half hand head health held help here high higher history hit
        hold home hospital hour hours house human hundreds important include included including increase india indian
        industry information inside international interview investigation issue issues january job judge july june
        keep key kill killed kind know known labor labour land large late later latest law laws lead leader leaders
        leading left legal less let level life likely line list little live lives local london long look lost lot low
        major making man march mark market markets mass matter means media meet meeting members men military minister
        minutes money morning move mr mrs ms name nation national near nearly need never news night north november
        number october office officer officers official officials old open operation opposition order party past pay
        peace person place plan plans play point policy political population power press price prices prime prison
        problem process program programme project protect provide put quarter question rate rates reached real really
        received recent record region release released remain reporters reports research response rest result return
        right rights rise risk road role rule rules run russia russian safety same school season secretary security
        seen senate senior sent september series serious service services set seven share shares shot show side sign
        similar six small social someone something soon sources south special spokesman spokesperson staff stand start
        started statement station stay step stop story street strong students study support supreme system taken
        taking tax team technology ten term test thing things think third thought thousands times today together top
        total town trade training travel trial tried trump turn tv uk union united university using victims victory
        video violence vote wanted war washington water west whether white whole why win without woman women won words
        work worked workers working world worth young
        """,
    0.025: """
        accident account accused act action actions activists activity actor added addition address administration
        admitted adults advice affairs africa age aged agencies agents agree agreed ahead aid aimed aircraft airport
        alert allegations alleged alliance allies allow allowed alone ambassador analysis analysts annual answer
        appeal appeared approach approved arms arrest arrested arrests article asia assault assembly assets
        association attempt attention attorney audience australia author authority average award away bad ball based
        battle beat beginning benefit bid biggest blood blue boat bomb boost born boy break britain british broke
        brother budget building built bus buy call calls camp campus canada canadian candidate candidates captain
        career carried carry caught chairman challenge chance charges check chemical choice church citizens civil
        class clear climate close closed club coach coalition coast cold college comment commission commissioner
        common communities competition complete concern concerned concerns conditions conference conflict consider
        considered construction consumer consumers contact contract convicted corruption costs cover created credit
        crew criminal crisis culture cup currency current customers customs daily damage dangerous date daughter dead
        deadly deals debate debt decades decided decline deep defeat delivered demand demands democracy democratic
        democrats deputy described design destroyed details detained developed digital dinner disease dollar dollars
        double dozens draft drive driver drop drug drugs earlier easy effect effort efforts elected elections electric
        employees ended enforcement england entire environment environmental equipment especially evening events
        everyone exchange expect experience experts explain exports extra eye faced facing failed fall families famous
        fans farm farmers father fear fears feel fell female field figures filed film finance firm firms fiscal flight
        floor follow football forced form forward france french friends front fuel fund funding funds gained gas gave
        generation german germany getting girl girls goal goals gold growing guard guilty gun guns happen happened
        hard hearing heart heavy helped himself historic holiday homes hope hopes hot hotel huge hurt idea image
        impact imposed improve income increased independent individual inflation injured injuries innocent institute
        insurance interest internet investigators investment investors involved iran iraq islamic island israel
        israeli issued italy jail jailed japan jobs joined joint journalist journalists justice kept king kingdom
        korea language largest launch launched lawmakers lawyer lawyers leadership league learn learned leave leaving
        legislation letter liberal light limited linked loan longer looking loss love lower machine main male manager
        match mayor meant measures medical medicine member mexico middle mine missing mission model modern moment
        mother moved movement movie murder music nations natural nature nearby needs network networks noted nuclear
        oil online opened operations opportunity organisation organization organizations outside owner pakistan panel
        parents paris park parliament parties partner partners parts passed passengers patients per perhaps period
        personal phone photo plane players playing pm points pool poor popular port position possible post potential
        powerful practice prepared presence present presidential pressure prevent previous previously private probably
        problems production products professor profit progress property proposal proposed prosecutors protection
        protest protesters protests proved provided province quality race raid raised range reach read ready reason
        reasons recently recovery red reduce reform refugees refused regional regulators relations religious remains
        remove repeatedly reported republic republican republicans rescue residents resources responsible restaurant
        results returned reuters revenue review river rose round ruling running sales sanctions save saw scene schools
        science scientists scored sea search seat seats sector seeking seized sell selling sense sentence sentenced
        separate served session settlement sex shared shooting shop short showed showing shut sides signed significant
        single site sites situation society sold soldiers son sort source southern space speak speaking speech
        spending sport sports spring square stage stock stopped store storm strategy strike strikes structure student
        success suffered suggested summer summit supplies supply sure surface suspect suspected suspects syria table
        target targets teacher teachers terms terror terrorism terrorist text theory threat threatened threats title
        tough tour towards track traditional traffic transfer transport treasury treatment treaty trip troops truck
        trust truth try trying twitter type ukraine understand units urged valley value various vehicle vehicles
        version view village violent virus visit voice voters votes wait walk wall watch weapons weather website
        weekend western wife wind winter witness witnesses word worker worst write writing written wrong yesterday
        york youth zone
        """,
}
_UNLISTED = ((3, 0.02), (5, 0.008), (8, 0.004), (64, 0.002))  # up to so many letters, the share of entries
_BEGINNINGS = 4.0  # a prefix finds several words: the commoner the shorter it is


@cache
def _words() -> dict[str, float]:
    return {word: share for share, words in _SHARES.items() for word in words.split()}


@cache
def _in_order() -> list[str]:
    return sorted(_words())


@cache
def _stems(language: str) -> dict[str, float]:
    stems: dict[str, float] = {}
    for word, share in _words().items():
        stemmed = stem(word, language)
        stems[stemmed] = stems.get(stemmed, 0.0) + share
    return stems


def listed() -> tuple[str, ...]:
    """The words of the table, the commonest first."""
    return tuple(sorted(_words(), key=_words().__getitem__, reverse=True))


def share_of_word(folded: str) -> float:
    """In what share of entries a folded word probably stands."""
    return _words().get(folded) or _unlisted(len(folded))


def share_of_stem(folded: str, language: str) -> float:
    """As for a word, for all words of its stem together. The table is English; other languages are judged as words."""
    if language != "en":
        return share_of_word(folded)
    return _stems(language).get(stem(folded, language)) or _unlisted(len(folded))


def share_of_prefix(folded: str) -> float:
    """As for a word, for all words that begin so."""
    in_order = _in_order()
    first = bisect_left(in_order, folded)
    beginning_so = takewhile(lambda word: word.startswith(folded), islice(in_order, first, None))
    listed = sum(_words()[word] for word in beginning_so)
    return listed + _BEGINNINGS * _unlisted(len(folded))


def _unlisted(length: int) -> float:
    return next((share for most, share in _UNLISTED if length <= most), 0.0)
