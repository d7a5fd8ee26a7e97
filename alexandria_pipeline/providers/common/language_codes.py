"""The names that services give to languages, and the two letters of ISO 639-1 for each.

A table and nothing else; reading a wire field is in `providers.fields`. Each entry is the two letters, then the
three-letter codes (ISO 639-2 terminology and bibliography, the latter used by MARC and Open Library) and the names in
lower case.
"""

from __future__ import annotations

from typing import Final

_TABLE: Final = """
aa aar afar; ab abk abkhazian abkhaz; ae ave avestan; af afr afrikaans; ak aka akan; am amh amharic;
an arg aragonese; ar ara arabic العربية; as asm assamese; av ava avaric; ay aym aymara; az aze azerbaijani;
ba bak bashkir; be bel belarusian беларуская; bg bul bulgarian български; bi bis bislama; bm bam bambara;
bn ben bengali bangla; bo bod tib tibetan; br bre breton; bs bos bosnian; ca cat catalan català; ce che chechen;
ch cha chamorro; co cos corsican; cr cre cree; cs ces cze czech čeština; cv chv chuvash; cy cym wel welsh cymraeg;
da dan danish dansk; de deu ger german deutsch allemand alemán gsw nds; dv div divehi maldivian; dz dzo dzongkha;
ee ewe; el ell gre grc greek ελληνικά; en eng english englisch anglais inglés inglese inglês engels;
eo epo esperanto; es spa spanish español espanol castellano castilian spanisch espagnol; et est estonian eesti;
eu eus baq basque euskara; fa fas per persian farsi فارسی; ff ful fulah; fi fin finnish suomi; fj fij fijian;
fo fao faroese; fr fra fre french français francais französisch francés frm fro; fy fry frisian;
ga gle irish gaeilge; gd gla gaelic; gl glg galician galego; gn grn guarani; gu guj gujarati; gv glv manx;
ha hau hausa; he heb hebrew עברית iw; hi hin hindi हिन्दी; ho hmo; hr hrv scr croatian hrvatski; ht hat haitian;
hu hun hungarian magyar; hy hye arm armenian; hz her herero; ia ina interlingua; id ind indonesian;
ie ile interlingue; ig ibo igbo; ii iii; ik ipk inupiaq; io ido; is isl ice icelandic íslenska;
it ita italian italiano italienisch; iu iku inuktitut; ja jpn japanese 日本語; jv jav javanese;
ka kat geo georgian; kg kon kongo; ki kik kikuyu; kj kua; kk kaz kazakh; kl kal greenlandic; km khm khmer;
kn kan kannada; ko kor korean 한국어; kr kau kanuri; ks kas kashmiri; ku kur kurdish; kv kom komi; kw cor cornish;
ky kir kyrgyz kirghiz; la lat latin latina; lb ltz luxembourgish; lg lug ganda; li lim limburgish; ln lin lingala;
lo lao; lt lit lithuanian lietuvių; lu lub; lv lav latvian latviešu; mg mlg malagasy; mh mah marshallese;
mi mri mao maori; mk mkd mac macedonian; ml mal malayalam; mn mon mongolian; mr mar marathi; ms msa may malay;
mt mlt maltese; my mya bur burmese; na nau; nb nob bokmål; nd nde; ne nep nepali; ng ndo;
nl nld dut dutch nederlands flemish niederländisch; nn nno nynorsk; no nor norwegian norsk; nr nbl; nv nav navajo;
ny nya chichewa; oc oci occitan provençal; oj oji ojibwa; om orm oromo; or ori oriya odia; os oss ossetian;
pa pan punjabi panjabi; pi pli pali; pl pol polish polski; ps pus pashto; pt por portuguese português portugues;
qu que quechua; rm roh romansh; rn run rundi; ro ron rum romanian română moldavian; ru rus russian русский;
rw kin kinyarwanda; sa san sanskrit; sc srd sardinian; sd snd sindhi; se sme; sg sag sango;
si sin sinhala sinhalese; sk slk slo slovak slovenčina; sl slv slovenian slovene; sm smo samoan; sn sna shona;
so som somali; sq sqi alb albanian shqip; sr srp scc serbian српски; ss ssw swati; st sot sotho; su sun sundanese;
sv swe swedish svenska; sw swa swahili; ta tam tamil; te tel telugu; tg tgk tajik; th tha thai; ti tir tigrinya;
tk tuk turkmen; tl tgl tagalog filipino fil; tn tsn tswana; to ton tongan; tr tur turkish türkçe; ts tso tsonga;
tt tat tatar; tw twi; ty tah tahitian; ug uig uyghur uighur; uk ukr ukrainian українська; ur urd urdu;
uz uzb uzbek; ve ven venda; vi vie vietnamese; vo vol volapük; wa wln walloon; wo wol wolof; xh xho xhosa;
yi yid yiddish; yo yor yoruba; za zha zhuang; zh zho chi chinese mandarin cmn yue 中文; zu zul zulu
"""  # Old and regional forms (grc, frm, gsw, yue) count as the language whose readers are meant.

ISO_639_1: Final = {name: entry.split()[0] for entry in _TABLE.split(";") for name in entry.split()}
"""Every known code and name, lower case, to its two letters."""
