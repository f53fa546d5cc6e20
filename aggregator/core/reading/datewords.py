"""The words dates are written with: months in seven languages, and time zones by their abbreviations. Data only."""

_MONTHS = {
    1: "jan january janv janvier ene enero januar jänner gen gennaio janeiro जनवरी जन",
    2: "feb february fév fev févr février febr febrero februar febbraio fevereiro फरवरी फ़रवरी",
    3: "mar march mars marzo mär märz mrz março मार्च",
    4: "apr april avr avril abr abril aprile अप्रैल",
    5: "may mai mayo mag maggio maio मई",
    6: "jun june juin junio juni giu giugno junho जून",
    7: "jul july juil juillet julio juli lug luglio julho जुलाई",
    8: "aug august août aout ago agosto अगस्त",
    9: "sep sept september septembre septiembre set settembre setembro setiembre सितंबर सितम्बर",
    10: "oct october octobre octubre okt oktober ott ottobre out outubro अक्टूबर अक्तूबर",
    11: "nov november novembre noviembre novembro नवंबर नवम्बर",
    12: "dec december déc décembre dic diciembre dez dezember dicembre dezembro दिसंबर दिसम्बर",
}
MONTHS = {word: month for month, words in _MONTHS.items() for word in words.split()}

AFTERNOON = frozenset({"pm", "p.m", "p.m.", "下午", "오후", "午後", "अपराह्न", "شام"})
MORNING = frozenset({"am", "a.m", "a.m.", "上午", "오전", "午前", "पूर्वाह्न"})

# Minutes east of UTC. A few abbreviations are claimed by several countries: a feed's own zone decides those.
SHARED_ZONES = {"ist": 330, "bst": 60, "cst": -360}
ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 60, "cet": 60, "cest": 120, "mez": 60, "mesz": 120,
    "met": 60, "mest": 120, "eet": 120, "eest": 180, "msk": 180, "sast": 120, "cat": 120, "wat": 60, "eat": 180, "gst": 240,
    "pkt": 300, "npt": 345, "ict": 420, "wib": 420, "sgt": 480, "hkt": 480, "pht": 480, "myt": 480, "awst": 480,
    "jst": 540, "kst": 540, "acst": 570, "acdt": 630, "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780,
    "est": -300, "edt": -240, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "akst": -540, "akdt": -480,
    "hst": -600, "ast": -240, "adt": -180, "nst": -210, "ndt": -150, "brt": -180, "brst": -120, "art": -180, "clt": -240, "clst": -180,
}  # fmt: skip
