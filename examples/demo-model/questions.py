"""What interns1-demo is asked and how it answers. Nothing here needs RDKit or PyTorch."""

GROUPS = ["carboxylic acid", "ester", "amide", "amine", "hydroxyl", "halogen", "nitro", "nitrile", "ketone",
          "aromatic ring", "sulfur"]
KINDS = ["formula", "heavy", "rings"] + GROUPS

COMMON = """the and of to in is that for it as was with be by on not he his but at are this have from or had an they
which one you were all her she there would their we him been has when who will more no if out so said what up its about
into than them can only other new some could time these two may then do first any my now such like our over man me even
most made after also did many before must through back years where much your way well down should because each just
those people how too little state good very make world still own see men work long get here between both life being
under never day same another know while last might us great old year off come since against go came right used take
three name number heavy atom atoms ring rings group groups molecule molecular formula contain contains count carbon
hydrogen nitrogen oxygen sulfur phosphorus fluorine chlorine bromine iodine boron silicon methyl ethyl propyl butyl
pentane hexane benzene toluene phenol ethanol methanol acetone acetic acid amine amide ester ketone aldehyde ether
alcohol nitrile nitro hydroxyl halogen aromatic aliphatic cyclic bond bonds single double triple charge mass water
solvent solution reaction product structure compound element weight answer question picture signal protein sequence"""

WORDINGS = {       # the first of each is the one the scores are measured with
    "formula": ["What is the molecular formula?", "Molecular formula?", "Give the molecular formula."],
    "heavy": ["How many heavy atoms does it have?", "Count the heavy atoms.", "Number of heavy atoms?"],
    "rings": ["How many rings does it have?", "Count the rings.", "Number of rings?"],
    "group": ["Does it contain {}?", "Is there {} in it?", "Does the molecule have {}?"],
}
QUESTION_FIRST = {
    "formula": ("What is the molecular formula of ", "?"),
    "heavy": ("How many heavy atoms does ", " have?"),
    "rings": ("How many rings does ", " have?"),
    "group": ("Does ", " contain {}?"),
}

SENSES = {         # about a picture or a signal; the first of each is the one the scores are measured with
    "number": ["What number does the display show?", "What number is shown?", "Read the display."],
    "heart rate": ["What is the heart rate?", "Heart rate?", "What is the pulse?"],
    "waveform": ["What waveform is this?", "Which waveform?", "Name the waveform."],
    "frequency": ["What is the frequency in Hz?", "Frequency in Hz?", "Frequency?"],
}


def noun(group):
    suffix = {"amine": " group", "nitro": " group", "nitrile": " group", "hydroxyl": " group", "amide": " group",
              "ester": " group", "ketone": " group", "halogen": " atom", "sulfur": " atom"}
    return ("an " if group[0] in "aeiou" else "a ") + group + suffix.get(group, "")


def wording(kind, n=0):
    if kind in SENSES:
        return SENSES[kind][n]
    if kind in GROUPS:
        return WORDINGS["group"][n].format(noun(kind))
    return WORDINGS[kind][n]


def question_first(kind):
    before, after = QUESTION_FIRST["group" if kind in GROUPS else kind]
    return before, after.format(noun(kind)) if kind in GROUPS else after


def hill(elements):
    """Elements (symbol -> count) in Hill order, as RDKit writes a formula."""
    first = [e for e in ("C", "H") if e in elements] if "C" in elements else []
    rest = sorted(e for e in elements if e not in first)
    return "".join(e + (str(elements[e]) if elements[e] > 1 else "") for e in first + rest if elements[e])


def heavy_list(elements):
    rest = sorted(e for e in elements if e not in ("C", "H") and elements[e])
    return " ".join("%s%d" % (e, elements[e]) for e in (["C"] if elements.get("C") else []) + rest)


def unsaturation(e):
    """Rings plus double bonds, from the element counts; twice the number."""
    get = lambda *names: sum(e.get(n, 0) for n in names)
    return 2 * get("C", "Si") + 2 + get("N", "P", "B") - get("F", "Cl", "Br", "I", "H")


def answer(kind, facts):
    """(trace, answer) of one question; `facts` has elements (symbol -> count), closures, rings, groups (name -> matches).

    Rings are counted as RDKit counts them, which in a cage can be more than the closures of the string: bicyclo[2.2.2]octane
    has two closures and three six-membered rings. Of a picture or a signal `facts` holds the answers themselves.
    """
    if kind in SENSES:
        return "", facts[kind]
    elements = facts["elements"]
    if kind == "formula":
        twice = unsaturation(elements)
        return "%s; unsaturation=%d; H%d" % (heavy_list(elements), twice // 2, elements.get("H", 0)), hill(elements)
    if kind == "heavy":
        return heavy_list(elements), str(sum(n for e, n in elements.items() if e != "H"))
    if kind == "rings":
        return "ring closures %d" % facts["closures"], str(facts["rings"])
    found = min(facts["groups"][kind], 9)
    return "found %d" % found, "yes" if found else "no"


def corpus():
    """Texts for the base BPE: every question, and pieces of every kind of answer."""
    texts = {}
    for kind in KINDS:
        for n in range(3):
            texts["\n" + wording(kind, n)] = 40
        before, after = question_first(kind)
        texts[before], texts[after] = 40, 40
    for e in ["C", "N", "O", "S", "P", "F", "Cl", "Br", "I", "B", "Si", "H"]:
        texts[e], texts[" " + e] = 60, 60
    for text in ["user\n", "assistant\n", "system\n", "\n\n", "; unsaturation=", "; H", "found ", "ring closures ",
                 "yes", "no", "You are a helpful assistant."]:
        texts[text] = 60
    for word in COMMON.split():
        texts[" " + word] = 1
    return texts
