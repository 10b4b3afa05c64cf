-- Claims with a value in common: an index of the values of the columns that contracts mark linkOn. Values are digests
-- with a key that only these functions read. The index proposes; whoever reads it compares the claims as they are now,
-- so that nothing has to be removed when a claim is replaced, and a claim that does not exist any more is not found.

CREATE TABLE claimwatch.link_key (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    key       bytea   NOT NULL CHECK (octet_length(key) = 32)
);
COMMENT ON TABLE claimwatch.link_key IS 'The key of the values that link claims. Nobody but the owner may read it; never change it.';
-- Two random UUIDs have 244 bits from a cryptographic generator.
INSERT INTO claimwatch.link_key (key)
VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

CREATE TABLE claimwatch.link_value (
    value    bytea NOT NULL CHECK (octet_length(value) = 16),
    line     text  COLLATE "C" NOT NULL,
    claim_id text  COLLATE "C" NOT NULL,
    kind     text  NOT NULL,
    PRIMARY KEY (value, line, claim_id)
);
COMMENT ON TABLE claimwatch.link_value IS
    'Values that claims have or had in columns marked linkOn; what is not true any more is left out when it is read.';
COMMENT ON COLUMN claimwatch.link_value.value IS
    'The first half of SHA-256 of the key, the kind, a NUL byte and the canonical text: equal values of a kind are equal in all lines.';
COMMENT ON COLUMN claimwatch.link_value.kind IS 'The group of the column''s hashes: its linkGroup, otherwise its name.';

CREATE TABLE claimwatch.link_column (
    line text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    PRIMARY KEY (line, name)
);
COMMENT ON TABLE claimwatch.link_column IS
    'Columns whose values of all committed files are in link_value, or will be once link_backlog is empty.';

CREATE TABLE claimwatch.link_backlog (
    file_id  bigint PRIMARY KEY REFERENCES claimwatch.file,
    line     text   NOT NULL,
    next_row bigint NOT NULL DEFAULT 1 CHECK (next_row > 0)
);
COMMENT ON TABLE claimwatch.link_backlog IS
    'Committed files whose values are not all in link_value: those from next_row on are missing.';

-- ── Values ───────────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.fold_letters(written text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    -- Unicode's case folding of letters that are not decomposed any further. The locale of a server decides nothing:
    -- what is stored has to be equal on all of them, and after each of their updates.
    SELECT translate(
            replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(q.text
            , E'\u00df', E'ss'), E'\u0149', E'\u02bc\u006e'), E'\u0587', E'\u0565\u0582')
            , E'\u1e9a', E'\u0061\u02be'), E'\u1e9e', E'ss'), E'\ufb00', E'ff'), E'\ufb01', E'fi')
            , E'\ufb02', E'fl'), E'\ufb03', E'ffi'), E'\ufb04', E'ffl'), E'\ufb05', E'st'), E'\ufb06', E'st')
            , E'\ufb13', E'\u0574\u0576'), E'\ufb14', E'\u0574\u0565'), E'\ufb15', E'\u0574\u056b')
            , E'\ufb16', E'\u057e\u0576'), E'\ufb17', E'\u0574\u056d'),
            'µÆÐØÞĐĦĲĿŁŊŒŦſƁƂƄƆƇƉƊƋƎƏƐƑƓƔƖƗƘƜƝƟƢƤƦƧƩƬƮƱƲƳƵƷƸƼǄǅǇǈǊǋǤǱǲǶǷȜȠȢȤȺȻȽȾɁɃɄɅɆɈɊɌɎͅͰͲͶͿΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟ'
            'ΠΡΣΤΥΦΧΨΩςϏϐϑϕϖϘϚϜϞϠϢϤϦϨϪϬϮϰϱϴϵϷϹϺϽϾϿЂЄЅІЈЉЊЋЏАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯѠѢѤѦѨѪѬѮѰѲѴѸѺѼѾҀҊҌҎ'
            'ҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼҾӀӃӅӇӉӋӍӔӘӠӨӶӺӼӾԀԂԄԆԈԊԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑ'
            'ՒՓՔՕՖႠႡႢႣႤႥႦႧႨႩႪႫႬႭႮႯႰႱႲႳႴႵႶႷႸႹႺႻႼႽႾႿჀჁჂჃჄჅჇჍᏸᏹᏺᏻᏼᏽᲀᲁᲂᲃᲄᲅᲆᲇᲈᲐᲑᲒᲓᲔᲕᲖᲗᲘᲙᲚᲛᲜᲝᲞᲟᲠᲡᲢᲣᲤᲥᲦᲧᲨᲩᲪᲫᲬᲭᲮᲯᲰᲱᲲᲳ'
            'ᲴᲵᲶᲷᲸᲹᲺᲽᲾᲿỺỼỾℲⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫⅬⅭⅮⅯↃⒶⒷⒸⒹⒺⒻⒼⒽⒾⒿⓀⓁⓂⓃⓄⓅⓆⓇⓈⓉⓊⓋⓌⓍⓎⓏⰀⰁⰂⰃⰄⰅⰆⰇⰈⰉⰊⰋⰌⰍⰎⰏⰐⰑⰒⰓⰔⰕⰖⰗⰘⰙⰚⰛⰜⰝⰞⰟⰠⰡⰢⰣⰤⰥⰦ'
            'ⰧⰨⰩⰪⰫⰬⰭⰮⰯⱠⱢⱣⱤⱧⱩⱫⱭⱮⱯⱰⱲⱵⱾⱿⲀⲂⲄⲆⲈⲊⲌⲎⲐⲒⲔⲖⲘⲚⲜⲞⲠⲢⲤⲦⲨⲪⲬⲮⲰⲲⲴⲶⲸⲺⲼⲾⳀⳂⳄⳆⳈⳊⳌⳎⳐⳒⳔⳖⳘⳚⳜⳞⳠⳢⳫⳭⳲꙀꙂꙄꙆꙈꙊꙌꙎꙐꙒꙔꙖꙘꙚꙜꙞꙠꙢꙤ'
            'ꙦꙨꙪꙬꚀꚂꚄꚆꚈꚊꚌꚎꚐꚒꚔꚖꚘꚚꜢꜤꜦꜨꜪꜬꜮꜲꜴꜶꜸꜺꜼꜾꝀꝂꝄꝆꝈꝊꝌꝎꝐꝒꝔꝖꝘꝚꝜꝞꝠꝢꝤꝦꝨꝪꝬꝮꝹꝻꝽꝾꞀꞂꞄꞆꞋꞍꞐꞒꞖꞘꞚꞜꞞꞠꞢꞤꞦꞨꞪꞫꞬꞭꞮꞰꞱꞲꞳꞴꞶꞸꞺꞼꞾꟀꟂꟄ'
            'ꟅꟆꟇꟉꟐꟖꟘꟵꭰꭱꭲꭳꭴꭵꭶꭷꭸꭹꭺꭻꭼꭽꭾꭿꮀꮁꮂꮃꮄꮅꮆꮇꮈꮉꮊꮋꮌꮍꮎꮏꮐꮑꮒꮓꮔꮕꮖꮗꮘꮙꮚꮛꮜꮝꮞꮟꮠꮡꮢꮣꮤꮥꮦꮧꮨꮩꮪꮫꮬꮭꮮꮯꮰꮱꮲꮳꮴꮵꮶꮷꮸꮹꮺꮻꮼꮽꮾꮿＡＢＣＤＥＦＧＨ'
            'ＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ𐐀𐐁𐐂𐐃𐐄𐐅𐐆𐐇𐐈𐐉𐐊𐐋𐐌𐐍𐐎𐐏𐐐𐐑𐐒𐐓𐐔𐐕𐐖𐐗𐐘𐐙𐐚𐐛𐐜𐐝𐐞𐐟𐐠𐐡𐐢𐐣𐐤𐐥𐐦𐐧𐒰𐒱𐒲𐒳𐒴𐒵𐒶𐒷𐒸𐒹𐒺𐒻𐒼𐒽𐒾𐒿𐓀𐓁𐓂𐓃𐓄𐓅𐓆𐓇𐓈𐓉𐓊𐓋𐓌𐓍𐓎𐓏𐓐𐓑𐓒𐓓𐕰𐕱'
            '𐕲𐕳𐕴𐕵𐕶𐕷𐕸𐕹𐕺𐕼𐕽𐕾𐕿𐖀𐖁𐖂𐖃𐖄𐖅𐖆𐖇𐖈𐖉𐖊𐖌𐖍𐖎𐖏𐖐𐖑𐖒𐖔𐖕𐲀𐲁𐲂𐲃𐲄𐲅𐲆𐲇𐲈𐲉𐲊𐲋𐲌𐲍𐲎𐲏𐲐𐲑𐲒𐲓𐲔𐲕𐲖𐲗𐲘𐲙𐲚𐲛𐲜𐲝𐲞𐲟𐲠𐲡𐲢𐲣𐲤𐲥𐲦𐲧𐲨𐲩𐲪𐲫𐲬𐲭𐲮𐲯𐲰𐲱𐲲𑢠𑢡𑢢𑢣𑢤𑢥𑢦𑢧𑢨𑢩𑢪𑢫'
            '𑢬𑢭𑢮𑢯𑢰𑢱𑢲𑢳𑢴𑢵𑢶𑢷𑢸𑢹𑢺𑢻𑢼𑢽𑢾𑢿𖹀𖹁𖹂𖹃𖹄𖹅𖹆𖹇𖹈𖹉𖹊𖹋𖹌𖹍𖹎𖹏𖹐𖹑𖹒𖹓𖹔𖹕𖹖𖹗𖹘𖹙𖹚𖹛𖹜𖹝𖹞𖹟𞤀𞤁𞤂𞤃𞤄𞤅𞤆𞤇𞤈𞤉𞤊𞤋𞤌𞤍𞤎𞤏𞤐𞤑𞤒𞤓𞤔𞤕𞤖𞤗𞤘𞤙𞤚𞤛𞤜𞤝𞤞𞤟𞤠𞤡',
            'μæðøþđħĳŀłŋœŧsɓƃƅɔƈɖɗƌǝəɛƒɠɣɩɨƙɯɲɵƣƥʀƨʃƭʈʊʋƴƶʒƹƽǆǆǉǉǌǌǥǳǳƕƿȝƞȣȥⱥȼƚⱦɂƀʉʌɇɉɋɍɏιͱͳͷϳαβγδεζηθικλμνξο'
            'πρστυφχψωσϗβθφπϙϛϝϟϡϣϥϧϩϫϭϯκρθεϸϲϻͻͼͽђєѕіјљњћџабвгдежзиклмнопрстуфхцчшщъыьэюяѡѣѥѧѩѫѭѯѱѳѵѹѻѽѿҁҋҍҏ'
            'ґғҕҗҙқҝҟҡңҥҧҩҫҭүұҳҵҷҹһҽҿӏӄӆӈӊӌӎӕәӡөӷӻӽӿԁԃԅԇԉԋԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրց'
            'ւփքօֆⴀⴁⴂⴃⴄⴅⴆⴇⴈⴉⴊⴋⴌⴍⴎⴏⴐⴑⴒⴓⴔⴕⴖⴗⴘⴙⴚⴛⴜⴝⴞⴟⴠⴡⴢⴣⴤⴥⴧⴭᏰᏱᏲᏳᏴᏵвдосттъѣꙋაბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰჱჲჳ'
            'ჴჵჶჷჸჹჺჽჾჿỻỽỿⅎⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹⅺⅻⅼⅽⅾⅿↄⓐⓑⓒⓓⓔⓕⓖⓗⓘⓙⓚⓛⓜⓝⓞⓟⓠⓡⓢⓣⓤⓥⓦⓧⓨⓩⰰⰱⰲⰳⰴⰵⰶⰷⰸⰹⰺⰻⰼⰽⰾⰿⱀⱁⱂⱃⱄⱅⱆⱇⱈⱉⱊⱋⱌⱍⱎⱏⱐⱑⱒⱓⱔⱕⱖ'
            'ⱗⱘⱙⱚⱛⱜⱝⱞⱟⱡɫᵽɽⱨⱪⱬɑɱɐɒⱳⱶȿɀⲁⲃⲅⲇⲉⲋⲍⲏⲑⲓⲕⲗⲙⲛⲝⲟⲡⲣⲥⲧⲩⲫⲭⲯⲱⲳⲵⲷⲹⲻⲽⲿⳁⳃⳅⳇⳉⳋⳍⳏⳑⳓⳕⳗⳙⳛⳝⳟⳡⳣⳬⳮⳳꙁꙃꙅꙇꙉꙋꙍꙏꙑꙓꙕꙗꙙꙛꙝꙟꙡꙣꙥ'
            'ꙧꙩꙫꙭꚁꚃꚅꚇꚉꚋꚍꚏꚑꚓꚕꚗꚙꚛꜣꜥꜧꜩꜫꜭꜯꜳꜵꜷꜹꜻꜽꜿꝁꝃꝅꝇꝉꝋꝍꝏꝑꝓꝕꝗꝙꝛꝝꝟꝡꝣꝥꝧꝩꝫꝭꝯꝺꝼᵹꝿꞁꞃꞅꞇꞌɥꞑꞓꞗꞙꞛꞝꞟꞡꞣꞥꞧꞩɦɜɡɬɪʞʇʝꭓꞵꞷꞹꞻꞽꞿꟁꟃꞔ'
            'ʂᶎꟈꟊꟑꟗꟙꟶᎠᎡᎢᎣᎤᎥᎦᎧᎨᎩᎪᎫᎬᎭᎮᎯᎰᎱᎲᎳᎴᎵᎶᎷᎸᎹᎺᎻᎼᎽᎾᎿᏀᏁᏂᏃᏄᏅᏆᏇᏈᏉᏊᏋᏌᏍᏎᏏᏐᏑᏒᏓᏔᏕᏖᏗᏘᏙᏚᏛᏜᏝᏞᏟᏠᏡᏢᏣᏤᏥᏦᏧᏨᏩᏪᏫᏬᏭᏮᏯａｂｃｄｅｆｇｈ'
            'ｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ𐐨𐐩𐐪𐐫𐐬𐐭𐐮𐐯𐐰𐐱𐐲𐐳𐐴𐐵𐐶𐐷𐐸𐐹𐐺𐐻𐐼𐐽𐐾𐐿𐑀𐑁𐑂𐑃𐑄𐑅𐑆𐑇𐑈𐑉𐑊𐑋𐑌𐑍𐑎𐑏𐓘𐓙𐓚𐓛𐓜𐓝𐓞𐓟𐓠𐓡𐓢𐓣𐓤𐓥𐓦𐓧𐓨𐓩𐓪𐓫𐓬𐓭𐓮𐓯𐓰𐓱𐓲𐓳𐓴𐓵𐓶𐓷𐓸𐓹𐓺𐓻𐖗𐖘'
            '𐖙𐖚𐖛𐖜𐖝𐖞𐖟𐖠𐖡𐖣𐖤𐖥𐖦𐖧𐖨𐖩𐖪𐖫𐖬𐖭𐖮𐖯𐖰𐖱𐖳𐖴𐖵𐖶𐖷𐖸𐖹𐖻𐖼𐳀𐳁𐳂𐳃𐳄𐳅𐳆𐳇𐳈𐳉𐳊𐳋𐳌𐳍𐳎𐳏𐳐𐳑𐳒𐳓𐳔𐳕𐳖𐳗𐳘𐳙𐳚𐳛𐳜𐳝𐳞𐳟𐳠𐳡𐳢𐳣𐳤𐳥𐳦𐳧𐳨𐳩𐳪𐳫𐳬𐳭𐳮𐳯𐳰𐳱𐳲𑣀𑣁𑣂𑣃𑣄𑣅𑣆𑣇𑣈𑣉𑣊𑣋'
            '𑣌𑣍𑣎𑣏𑣐𑣑𑣒𑣓𑣔𑣕𑣖𑣗𑣘𑣙𑣚𑣛𑣜𑣝𑣞𑣟𖹠𖹡𖹢𖹣𖹤𖹥𖹦𖹧𖹨𖹩𖹪𖹫𖹬𖹭𖹮𖹯𖹰𖹱𖹲𖹳𖹴𖹵𖹶𖹷𖹸𖹹𖹺𖹻𖹼𖹽𖹾𖹿𞤢𞤣𞤤𞤥𞤦𞤧𞤨𞤩𞤪𞤫𞤬𞤭𞤮𞤯𞤰𞤱𞤲𞤳𞤴𞤵𞤶𞤷𞤸𞤹𞤺𞤻𞤼𞤽𞤾𞤿𞥀𞥁𞥂𞥃')
    FROM (SELECT lower(written COLLATE "C") COLLATE "C" AS text) AS q;
$$;
COMMENT ON FUNCTION claimwatch.fold_letters IS 'Returns a decomposed text in its caseless form.';

CREATE FUNCTION claimwatch.link_text(written text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    -- Inlined, so without a search path of its own: whoever calls it has one; and not STRICT, because a CASE is not.
    -- As canonical_text of domain/validation/keyed_hash.py. Most values are ASCII with single blanks at most.
    SELECT CASE WHEN written ~ '^[!-~]+( [!-~]+)*$' THEN lower(written COLLATE "C") COLLATE "C"
                ELSE normalize(claimwatch.fold_letters(normalize(btrim(regexp_replace(
                         regexp_replace(written,
                             '[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164'
                             '\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]',
                             '', 'g'),
                         '[\x09-\x0d\x1c-\x20\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+', ' ', 'g')),
                     NFD)), NFC) COLLATE "C" END;
$$;
COMMENT ON FUNCTION claimwatch.link_text IS
    'Returns a text without differences of notation: white space, case, composed and invisible characters.';

CREATE FUNCTION claimwatch.link_digest(kind text, canonical text) RETURNS bytea
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT substr(sha256(k.key || convert_to(kind, 'UTF8') || '\x00'::bytea || convert_to(canonical, 'UTF8')), 1, 16)
    FROM claimwatch.link_key AS k;
$$;
COMMENT ON FUNCTION claimwatch.link_digest IS 'Returns the value under which link_value has a canonical text.';

CREATE FUNCTION claimwatch.link_columns(compiled jsonb) RETURNS TABLE (name text, kind text, hashed boolean)
LANGUAGE sql IMMUTABLE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
    SELECT d.column ->> 'name', coalesce(d.column ->> 'link_group', d.column ->> 'name'),
           coalesce(d.column -> 'hashed' <> 'false', true)
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(compiled -> 'columns') = 'array' THEN compiled -> 'columns'
                                   ELSE '[]' END) AS d ("column")
    WHERE d.column -> 'link_on' = 'true';
$$;
COMMENT ON FUNCTION claimwatch.link_columns IS 'Returns the columns that a compiled contract marks linkOn.';

CREATE FUNCTION claimwatch.identifier_of(of_line text, OUT name text, OUT type text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.attname, format_type(a.atttypid, a.atttypmod)
    FROM claimwatch.running_contract(of_line) AS c, jsonb_each(c.columns) AS s
    JOIN pg_attribute AS a ON a.attrelid = to_regclass(format('claimwatch.%I', 'claim_' || of_line)) AND a.attname = s.key
                          AND NOT a.attisdropped
    WHERE (s.value ->> 'identifier')::boolean;
$$;
COMMENT ON FUNCTION claimwatch.identifier_of IS 'Returns the column of a line''s claim ids and its type; nulls without a table.';

CREATE FUNCTION claimwatch.link_query(of_line text, source text, condition text, OUT query text, OUT prefixes bytea[])
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    -- The rows are read once for all columns, and each value is hashed once. PostgreSQL prepares the expressions of a
    -- list of VALUES anew for each row, those of arrays once.
    SELECT format('SELECT v.value, c.%1$I::text COLLATE "C" AS claim_id, v.kind FROM claimwatch.%2$I AS c'
                  ' CROSS JOIN LATERAL unnest(%3$L::text[], ARRAY[%4$s]) AS v (kind, value)'
                  ' WHERE %5$s AND v.value IS NOT NULL',
                  t.identifier, source || of_line, array_agg(t.kind ORDER BY t.number),
                  string_agg(format(
                      'substr(sha256($1[%s] || convert_to(nullif(%s, ''''), ''UTF8'')), 1, 16)', t.number,
                      CASE WHEN t.hashed THEN format('c.%I::text', t.name)
                           WHEN t.type = 'text'::regtype THEN format('claimwatch.link_text(c.%I)', t.name)
                           WHEN t.type = 'numeric'::regtype THEN format('trim_scale(c.%I)::text', t.name)
                           WHEN t.type = 'date'::regtype THEN format('to_char(c.%I, ''YYYY-MM-DD'')', t.name)
                           WHEN t.type = 'timestamptz'::regtype
                           THEN format('to_char(c.%I AT TIME ZONE ''UTC'', ''YYYY-MM-DD HH24:MI:SS.US'')', t.name)
                           ELSE format('c.%I::text', t.name) END), ', ' ORDER BY t.number),
                  replace(replace(condition, '{identifier}', format('c.%I', t.identifier)), '{type}', t.identifier_type)),
           array_agg(t.key || convert_to(t.kind, 'UTF8') || '\x00'::bytea ORDER BY t.number)
    FROM (
        SELECT l.name, l.kind, l.hashed, a.atttypid AS type, k.key, row_number() OVER (ORDER BY l.name) AS number,
               i.name AS identifier, i.type AS identifier_type
        FROM claimwatch.running_contract(of_line) AS c
        CROSS JOIN claimwatch.identifier_of(of_line) AS i
        CROSS JOIN LATERAL claimwatch.link_columns(c.compiled) AS l
        JOIN pg_attribute AS a ON a.attrelid = to_regclass(format('claimwatch.%I', source || of_line))
                              AND a.attname = l.name AND NOT a.attisdropped
        CROSS JOIN claimwatch.link_key AS k
    ) AS t
    GROUP BY t.identifier, t.identifier_type;
$$;
COMMENT ON FUNCTION claimwatch.link_query IS
    'Returns the query of the values that link the claims of a table or view, and its first parameter; nothing if no column of the line does.';

-- ── Which files are missing ──────────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.plan_links(of_line text, compiled jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF NOT EXISTS (
        (SELECT l.name, l.kind FROM claimwatch.link_columns(compiled) AS l
         EXCEPT SELECT k.name, k.kind FROM claimwatch.link_column AS k WHERE k.line = of_line)
        UNION ALL
        (SELECT k.name, k.kind FROM claimwatch.link_column AS k WHERE k.line = of_line
         EXCEPT SELECT l.name, l.kind FROM claimwatch.link_columns(compiled) AS l)
    ) THEN
        RETURN;
    END IF;
    -- feed_links waits: what it has already fed lacks the new columns.
    PERFORM pg_advisory_xact_lock(7010010, hashtext(of_line));
    INSERT INTO claimwatch.link_backlog AS b (file_id, line)
    SELECT f.file_id, f.line FROM claimwatch.file AS f
    WHERE f.line = of_line AND f.dataset = 'claims' AND f.status = 'committed'
      AND EXISTS (SELECT l.name, l.kind FROM claimwatch.link_columns(compiled) AS l
                  EXCEPT SELECT k.name, k.kind FROM claimwatch.link_column AS k WHERE k.line = of_line)
    ORDER BY f.file_id
    ON CONFLICT (file_id) DO UPDATE SET next_row = 1;
    DELETE FROM claimwatch.link_column AS k WHERE k.line = of_line;
    INSERT INTO claimwatch.link_column (line, name, kind)
    SELECT of_line, l.name, l.kind FROM claimwatch.link_columns(compiled) AS l;
END
$$;
COMMENT ON FUNCTION claimwatch.plan_links IS
    'Adds the files of a line to link_backlog if its contract marks more columns linkOn than before.';

CREATE FUNCTION claimwatch.note_linked_columns() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM claimwatch.plan_links(NEW.line, NEW.compiled);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION claimwatch.note_linked_columns IS 'Plans the links of a line whenever its running contract is compiled.';
CREATE TRIGGER contract_may_change_links AFTER INSERT OR UPDATE OF compiled ON claimwatch.contract
    FOR EACH ROW WHEN (NEW.status = 'applied' AND NEW.compiled IS NOT NULL)
    EXECUTE FUNCTION claimwatch.note_linked_columns();

CREATE FUNCTION claimwatch.note_file_to_link() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Also without columns: a contract with some may be about to be applied.
    INSERT INTO claimwatch.link_backlog (file_id, line) VALUES (NEW.file_id, NEW.line) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION claimwatch.note_file_to_link IS 'Adds a file of claims to link_backlog in the transaction that commits it.';
CREATE TRIGGER file_has_values_to_link AFTER UPDATE OF status ON claimwatch.file
    FOR EACH ROW WHEN (NEW.status = 'committed' AND OLD.status <> 'committed' AND NEW.dataset = 'claims')
    EXECUTE FUNCTION claimwatch.note_file_to_link();

-- ── Feeding ──────────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.feed_links(of_file bigint, most bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' SET jit = off AS $$
DECLARE
    missing record;
    made    record;
BEGIN
    SELECT b.file_id, b.line, b.next_row INTO missing FROM claimwatch.link_backlog AS b
    WHERE of_file IS NULL OR b.file_id = of_file
    ORDER BY b.file_id LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF missing.file_id IS NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(7010010, hashtext(missing.line));
    SELECT * INTO made
    FROM claimwatch.link_query(missing.line, 'claim_'::text,
                               'c.file_id = $3 AND c.row_number >= $4 AND c.row_number < $5'::text);
    IF made.query IS NOT NULL THEN
        PERFORM claimwatch.index_new_rows(missing.line);
        -- In order, so that two files with the same claims do not wait for each other in a circle.
        EXECUTE 'INSERT INTO claimwatch.link_value (value, line, claim_id, kind)'
                ' SELECT q.value, $2, q.claim_id, q.kind FROM (' || made.query || ') AS q'
                ' ORDER BY q.value, q.claim_id ON CONFLICT DO NOTHING'
        USING made.prefixes, missing.line, missing.file_id, missing.next_row, missing.next_row + most;
    END IF;
    IF made.query IS NULL OR missing.next_row + most > (SELECT f.rows_read FROM claimwatch.file AS f
                                                        WHERE f.file_id = missing.file_id) THEN
        DELETE FROM claimwatch.link_backlog AS b WHERE b.file_id = missing.file_id;
    ELSE
        UPDATE claimwatch.link_backlog AS b SET next_row = missing.next_row + most WHERE b.file_id = missing.file_id;
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION claimwatch.feed_links IS
    'Adds values of at most so many rows of a file, or without one of the oldest in link_backlog, to link_value; false if none waits. Each call is a transaction of its own.';

-- ── Claims as they are now ───────────────────────────────────────────────────────────────────────────────────────────

CREATE TYPE claimwatch.claim_value AS (line text, claim_id text, kind text, value bytea);
COMMENT ON TYPE claimwatch.claim_value IS 'A value that links a claim.';

CREATE FUNCTION claimwatch.values_of_claims(of_line text, claims text[]) RETURNS SETOF claimwatch.claim_value
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    made record;
BEGIN
    SELECT * INTO made FROM claimwatch.link_query(of_line, 'current_claim_'::text, '{identifier} = ANY ($2::{type}[])'::text);
    IF made.query IS NOT NULL THEN
        RETURN QUERY EXECUTE 'SELECT DISTINCT $3, q.claim_id, q.kind, q.value FROM (' || made.query || ') AS q'
        USING made.prefixes, claims, of_line;
    END IF;
END
$$;
COMMENT ON FUNCTION claimwatch.values_of_claims IS 'Returns the values that link these claims by their current rows.';

CREATE FUNCTION claimwatch.received_claims(of_line text, claims text[]) RETURNS TABLE (claim_id text, received_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
    identifier record;
BEGIN
    SELECT * INTO identifier FROM claimwatch.identifier_of(of_line);
    IF identifier.name IS NOT NULL THEN
        RETURN QUERY EXECUTE format(
            'SELECT c.%1$I::text, f.received_at
             FROM claimwatch.%2$I AS c JOIN claimwatch.file AS f ON f.file_id = c.file_id
             WHERE c.%1$I = ANY ($1::%3$s[])',
            identifier.name, 'current_claim_' || of_line, identifier.type)
        USING claims;
    END IF;
END
$$;
COMMENT ON FUNCTION claimwatch.received_claims IS 'Returns those of the claims that exist, and when their current rows arrived.';

CREATE FUNCTION claimwatch.claims_like(of_line text, sought text, most integer) RETURNS TABLE (claim_id text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
    identifier record;
BEGIN
    SELECT * INTO identifier FROM claimwatch.identifier_of(of_line);
    IF identifier.type = 'bigint' AND sought ~ '^-?[0-9]{1,18}$' THEN
        RETURN QUERY SELECT sought::bigint::text; -- whether it exists is seen with its row
    ELSIF identifier.type = 'text' THEN
        RETURN QUERY EXECUTE format(
            'SELECT DISTINCT c.%1$I FROM claimwatch.%2$I AS c
             WHERE c.%1$I COLLATE "C" >= $1 AND c.%1$I COLLATE "C" < $1 || U&''\+10FFFF'' COLLATE "C"
             ORDER BY 1 LIMIT $2',
            identifier.name, 'claim_' || of_line)
        USING sought, most;
    END IF;
END
$$;
COMMENT ON FUNCTION claimwatch.claims_like IS
    'Returns the first ids that begin with a text, also of rows that are not current; a whole number is sought as it is.';

CREATE FUNCTION claimwatch.events_of_claims(of_line text, claims text[]) RETURNS TABLE (claim_id text, event_id text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
    identifier record;
BEGIN
    SELECT * INTO identifier FROM claimwatch.identifier_of(of_line);
    IF to_regclass(format('claimwatch.%I', 'image_of_claim_' || of_line)) IS NOT NULL AND identifier.name IS NOT NULL THEN
        RETURN QUERY EXECUTE format(
            'SELECT DISTINCT i.claim_id::text, i.event_id::text FROM claimwatch.%1$I AS i
             WHERE i.claim_id = ANY ($1::%2$s[]) AND i.image_id IS NOT NULL',
            'image_of_claim_' || of_line, identifier.type)
        USING claims;
    END IF;
END
$$;
COMMENT ON FUNCTION claimwatch.events_of_claims IS 'Returns the event ids of those of the claims that have photos.';

CREATE FUNCTION claimwatch.claims_of_events(of_line text, events text[]) RETURNS TABLE (event_id text, claim_id text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
BEGIN
    IF to_regclass(format('claimwatch.%I', 'image_of_claim_' || of_line)) IS NOT NULL THEN
        RETURN QUERY EXECUTE format(
            'SELECT DISTINCT i.event_id::text, i.claim_id::text FROM claimwatch.%1$I AS i
             WHERE i.event_id = ANY ($1) AND i.image_id IS NOT NULL',
            'image_of_claim_' || of_line)
        USING events;
    END IF;
END
$$;
COMMENT ON FUNCTION claimwatch.claims_of_events IS 'Returns the current claims of a line whose photos have these event ids.';

-- ── Links ────────────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.most_linked() RETURNS integer
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT 50; $$;
COMMENT ON FUNCTION claimwatch.most_linked IS
    'Returns how many claims are shown as linked, and how many may share a value before it is a hub.';

CREATE TYPE claimwatch.link AS (
    from_line text, from_claim text, kind text, to_line text, to_claim text, distance integer, claims bigint
);
COMMENT ON TYPE claimwatch.link IS
    'Two claims with a value or a photo in common; of a hub, how many claims share the value, and no other claim.';

CREATE FUNCTION claimwatch.links_of(lines text[], claims text[], counted integer) RETURNS SETOF claimwatch.link
LANGUAGE plpgsql STABLE ROWS 100 SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    most      CONSTANT integer := claimwatch.most_linked();
    own       claimwatch.claim_value[];
    proposed  claimwatch.claim_value[];
    crowded   bytea[];
    confirmed claimwatch.claim_value[];
BEGIN
    own := ARRAY(
        SELECT v::claimwatch.claim_value
        FROM (SELECT a.line, array_agg(a.claim) AS claims FROM unnest(lines, claims) AS a (line, claim) GROUP BY a.line) AS l
        CROSS JOIN LATERAL claimwatch.values_of_claims(l.line, l.claims) AS v);
    -- Twice as many as can be shown: some of them may not have the value any more.
    proposed := ARRAY(
        SELECT ROW(k.line, k.claim_id, k.kind, k.value)::claimwatch.claim_value
        FROM (SELECT DISTINCT o.value FROM unnest(own) AS o) AS d
        CROSS JOIN LATERAL (SELECT v.line, v.claim_id, v.kind, v.value FROM claimwatch.link_value AS v
                            WHERE v.value = d.value ORDER BY v.line, v.claim_id LIMIT 2 * most + 1) AS k);
    crowded := ARRAY(SELECT p.value FROM unnest(proposed) AS p GROUP BY p.value HAVING count(*) > 2 * most);
    confirmed := ARRAY(
        SELECT v::claimwatch.claim_value
        FROM (SELECT p.line, array_agg(DISTINCT p.claim_id) AS claims FROM unnest(proposed) AS p
              WHERE p.value <> ALL (crowded) GROUP BY p.line) AS l
        CROSS JOIN LATERAL claimwatch.values_of_claims(l.line, l.claims) AS v
        WHERE v.value IN (SELECT o.value FROM unnest(own) AS o) AND v.value <> ALL (crowded));

    RETURN QUERY
    WITH shared AS (
        SELECT c.value, count(DISTINCT (c.line, c.claim_id)) AS claims FROM unnest(confirmed) AS c GROUP BY c.value
        UNION ALL
        SELECT b.value, (SELECT count(*) FROM (SELECT FROM claimwatch.link_value AS v WHERE v.value = b.value LIMIT counted) AS n)
        FROM unnest(crowded) AS b (value)
    )
    SELECT o.line, o.claim_id, o.kind, c.line, c.claim_id, NULL::integer, NULL::bigint
    FROM unnest(own) AS o JOIN shared AS s ON s.value = o.value AND s.claims <= most
    JOIN unnest(confirmed) AS c ON c.value = o.value AND (c.line, c.claim_id) <> (o.line, o.claim_id)
    UNION
    SELECT o.line, o.claim_id, o.kind, NULL, NULL, NULL, s.claims
    FROM unnest(own) AS o JOIN shared AS s ON s.value = o.value AND s.claims > most;

    RETURN QUERY
    WITH taken AS (
        SELECT l.line, e.claim_id, e.event_id
        FROM (SELECT a.line, array_agg(a.claim) AS claims FROM unnest(lines, claims) AS a (line, claim) GROUP BY a.line) AS l
        CROSS JOIN LATERAL claimwatch.events_of_claims(l.line, l.claims) AS e
    ), alike AS (
        SELECT DISTINCT ON (m.event_id, m.other_event_id) m.event_id, m.other_event_id, m.distance
        FROM (
            SELECT i.event_id, i.other_event_id, i.distance, i.image_id, i.other_image_id
            FROM claimwatch.image_match AS i WHERE i.event_id IN (SELECT t.event_id FROM taken AS t)
            UNION ALL
            SELECT i.other_event_id, i.event_id, i.distance, i.image_id, i.other_image_id
            FROM claimwatch.image_match AS i WHERE i.other_event_id IN (SELECT t.event_id FROM taken AS t)
        ) AS m
        WHERE EXISTS (SELECT FROM claimwatch.current_claim_image AS i WHERE i.image_id = m.image_id)
          AND EXISTS (SELECT FROM claimwatch.current_claim_image AS i WHERE i.image_id = m.other_image_id)
        ORDER BY m.event_id, m.other_event_id, m.distance
    ), found AS (
        SELECT n.line, c.event_id, c.claim_id
        FROM (SELECT DISTINCT r.line FROM claimwatch.contract AS r
              WHERE r.status = 'applied' AND EXISTS (SELECT FROM alike AS a)) AS n
        CROSS JOIN LATERAL claimwatch.claims_of_events(n.line, ARRAY(SELECT DISTINCT a.other_event_id FROM alike AS a)) AS c
    )
    SELECT t.line, t.claim_id, 'photo'::text, f.line, f.claim_id, min(a.distance)::integer, NULL::bigint
    FROM taken AS t JOIN alike AS a ON a.event_id = t.event_id JOIN found AS f ON f.event_id = a.other_event_id
    WHERE (f.line, f.claim_id) <> (t.line, t.claim_id)
    GROUP BY t.line, t.claim_id, f.line, f.claim_id;
END
$$;
COMMENT ON FUNCTION claimwatch.links_of IS
    'Returns the claims of all lines that share a value or a photo with these claims, and the values that too many share, whose counting ends at a number of claims.';

CREATE FUNCTION claimwatch.linked_claims(of_line text, of_claim text) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(DISTINCT (l.to_line, l.to_claim)) FROM claimwatch.links_of(ARRAY[of_line], ARRAY[of_claim], 0) AS l
    WHERE l.to_claim IS NOT NULL;
$$;
COMMENT ON FUNCTION claimwatch.linked_claims IS
    'Returns how many claims share a value or a photo with a claim, without those that only share a hub.';

CREATE FUNCTION claimwatch.claim_documents(lines text[], claims text[])
RETURNS TABLE (line text, claim_id text, document jsonb)
LANGUAGE sql STABLE ROWS 50 SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    -- An undecided case shows no verdict: the first of two would sway the second person.
    SELECT l.line, r.claim_id, jsonb_build_object(
        'line', l.line, 'claim_id', r.claim_id, 'case_id', c.case_id, 'state', c.state,
        'verdict', CASE WHEN c.state = 'decided'
                        THEN (SELECT d.verdict FROM claimwatch.decision AS d WHERE d.decision_id = c.decision_id)
                        WHEN c.state IS NULL OR c.state = 'settled'
                        THEN (SELECT CASE WHEN (o.decided -> 'is_fraud')::boolean THEN 'fraud' ELSE 'not_fraud' END
                              FROM claimwatch.current_decision(l.line, r.claim_id) AS o (decided)
                              WHERE o.decided IS NOT NULL) END,
        'received_at', r.received_at)
    FROM (SELECT a.line, array_agg(a.claim) AS claims FROM unnest(lines, claims) AS a (line, claim) GROUP BY a.line) AS l
    CROSS JOIN LATERAL claimwatch.received_claims(l.line, l.claims) AS r
    LEFT JOIN claimwatch.review_case AS c ON c.line = l.line AND c.claim_id = r.claim_id;
$$;
COMMENT ON FUNCTION claimwatch.claim_documents IS 'Returns those of the claims that exist, as a list of claims shows them.';

CREATE FUNCTION claimwatch.api_links(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_variable
DECLARE
    most      CONSTANT integer := claimwatch.most_linked();
    -- Claims of a hub, of which there may be several for each of the linked claims.
    counted   CONSTANT integer := 1000;
    action    CONSTANT text := 'claim.links';
    held      text[] := claimwatch.lines_permitted(actor, groups, 'claim.read'::text);
    wanted    uuid;
    begun     record;
    granted   boolean;
    allowed   text[];
    readable  text[];
    hops      integer := CASE WHEN asked ->> 'hops' IN ('1', '2') THEN (asked ->> 'hops')::integer END;
    lines     text[];
    claims    text[];
    distances integer[];
    frontier  integer := 1;
    found     claimwatch.link[];
    links     claimwatch.link[] := '{}';
    next      record;
    truncated boolean := false;
    answer    jsonb;
BEGIN
    IF pg_input_is_valid(asked ->> 'case_id', 'uuid') THEN
        wanted := (asked ->> 'case_id')::uuid;
    END IF;
    SELECT c.line, c.claim_id INTO begun FROM claimwatch.review_case AS c WHERE c.case_id = wanted;
    granted := coalesce(begun.line = ANY (held) OR '*' = ANY (held), false);
    -- Of a line that is not granted, not even its purposes are told.
    allowed := claimwatch.purposes_of(CASE WHEN granted THEN begun.line END);
    IF purpose = ANY (allowed) IS NOT TRUE THEN
        RETURN claimwatch.refuse_purpose(allowed, actor, 'app'::text, action, begun.line,
                                         coalesce(begun.claim_id, left(asked ->> 'case_id', 100)), request_id);
    ELSIF held = '{}' THEN
        RETURN claimwatch.refuse('forbidden'::text, actor, 'app'::text, action, begun.line,
                                 coalesce(begun.claim_id, left(asked ->> 'case_id', 100)), purpose, request_id);
    ELSIF begun.claim_id IS NULL OR NOT granted THEN
        RETURN claimwatch.not_found(CASE WHEN begun.claim_id IS NULL THEN 'unknown' ELSE 'not granted' END, actor, 'app'::text,
                                    action, begun.line, coalesce(begun.claim_id, left(asked ->> 'case_id', 100)), purpose,
                                    request_id);
    ELSIF hops IS NULL THEN
        RETURN claimwatch.refuse('malformed'::text, actor, 'app'::text, action, begun.line, begun.claim_id, purpose,
                                 request_id);
    END IF;
    readable := ARRAY(SELECT DISTINCT c.line FROM claimwatch.contract AS c
                      WHERE c.status = 'applied' AND (c.line = ANY (held) OR '*' = ANY (held))
                        AND purpose = ANY (claimwatch.purposes_of(c.line)));
    lines := ARRAY[begun.line];
    claims := ARRAY[begun.claim_id];
    distances := ARRAY[0];
    FOR hop IN 1 .. hops LOOP
        found := ARRAY(SELECT l::claimwatch.link
                       FROM claimwatch.links_of(lines[frontier:], claims[frontier:], counted) AS l);
        links := links || found;
        -- Those with the most in common come first.
        SELECT array_agg(n.to_line ORDER BY n.place) FILTER (WHERE n.place <= n.room) AS lines,
               array_agg(n.to_claim ORDER BY n.place) FILTER (WHERE n.place <= n.room) AS claims,
               coalesce(bool_or(n.place > n.room), false) AS more
        INTO next
        FROM (
            SELECT f.to_line, f.to_claim, most + 1 - cardinality(claims) AS room,
                   row_number() OVER (ORDER BY count(*) DESC, f.to_line, f.to_claim) AS place
            FROM unnest(found) AS f
            WHERE f.to_claim IS NOT NULL AND f.to_line = ANY (readable)
              AND NOT EXISTS (SELECT FROM unnest(lines, claims) AS s (line, claim)
                              WHERE (s.line, s.claim) = (f.to_line, f.to_claim))
            GROUP BY f.to_line, f.to_claim
        ) AS n;
        truncated := truncated OR next.more;
        frontier := cardinality(claims) + 1;
        EXIT WHEN next.lines IS NULL;
        lines := lines || next.lines;
        claims := claims || next.claims;
        distances := distances || array_fill(hop, ARRAY[cardinality(next.lines)]);
    END LOOP;
    SELECT jsonb_build_object(
        'nodes', (
            SELECT coalesce(jsonb_agg(d.document || jsonb_build_object('hop', s.hop) ORDER BY s.place), '[]')
            FROM unnest(lines, claims, distances) WITH ORDINALITY AS s (line, claim, hop, place)
            JOIN claimwatch.claim_documents(lines, claims) AS d ON d.line = s.line AND d.claim_id = s.claim),
        'edges', (
            SELECT coalesce(jsonb_agg(
                       jsonb_build_object('from', e.one, 'to', e.other, 'kind', e.kind, 'distance', e.distance)
                       ORDER BY e.first, e.other, e.kind), '[]')
            FROM (
                SELECT DISTINCT ON (least(one.place, other.place), greatest(one.place, other.place), l.kind)
                       least(one.place, other.place) AS first, l.kind, l.distance,
                       l.from_line || '/' || l.from_claim AS one, l.to_line || '/' || l.to_claim AS other
                FROM unnest(links) AS l
                JOIN unnest(lines, claims) WITH ORDINALITY AS one (line, claim, place)
                  ON (one.line, one.claim) = (l.from_line, l.from_claim)
                JOIN unnest(lines, claims) WITH ORDINALITY AS other (line, claim, place)
                  ON (other.line, other.claim) = (l.to_line, l.to_claim)
                ORDER BY least(one.place, other.place), greatest(one.place, other.place), l.kind,
                         one.place > other.place, l.distance
            ) AS e),
        'hubs', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('kind', h.kind, 'claims', h.claims,
                                                         'from', h.from_line || '/' || h.from_claim)
                                      ORDER BY h.claims, h.kind, h.from_line, h.from_claim), '[]')
            FROM (SELECT DISTINCT l.from_line, l.from_claim, l.kind, l.claims FROM unnest(links) AS l
                  WHERE l.claims IS NOT NULL) AS h),
        'elsewhere', (SELECT count(DISTINCT (l.to_line, l.to_claim)) FROM unnest(links) AS l
                      WHERE l.to_claim IS NOT NULL AND l.to_line <> ALL (readable)),
        'truncated', truncated)
    INTO answer;
    PERFORM claimwatch.record_access(actor, 'app'::text, action, begun.line, begun.claim_id, purpose, NULL::text, request_id,
                                     'answered'::text, NULL::text);
    RETURN ROW('answered'::text, answer);
END
$$;
COMMENT ON FUNCTION claimwatch.api_links IS
    'Returns the claims that share a value or a photo with the claim of a case, those of other lines only as a number unless the person may read them, for a person.';

CREATE FUNCTION claimwatch.link_digest_of(of_line text, of_column text, sought text, OUT hashed boolean, OUT value bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    described record;
    canonical text;
BEGIN
    SELECT l.kind, l.hashed, format_type(a.atttypid, a.atttypmod) AS type INTO described
    FROM claimwatch.running_contract(of_line) AS c
    CROSS JOIN LATERAL claimwatch.link_columns(c.compiled) AS l
    JOIN pg_attribute AS a ON a.attrelid = to_regclass(format('claimwatch.%I', 'claim_' || of_line))
                          AND a.attname = l.name AND NOT a.attisdropped
    WHERE l.name = of_column;
    hashed := described.hashed;
    -- The hash of a value takes the key of personal data, which the database does not have.
    IF hashed IS NOT FALSE OR (described.type <> 'text' AND NOT pg_input_is_valid(sought, described.type)) THEN
        RETURN;
    END IF;
    canonical := CASE described.type
        WHEN 'text' THEN claimwatch.link_text(sought)
        WHEN 'numeric' THEN trim_scale(sought::numeric)::text
        WHEN 'bigint' THEN sought::bigint::text
        WHEN 'date' THEN to_char(sought::date, 'YYYY-MM-DD')
        WHEN 'timestamp with time zone' THEN to_char(sought::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
    END;
    value := claimwatch.link_digest(described.kind, nullif(canonical, ''));
END
$$;
COMMENT ON FUNCTION claimwatch.link_digest_of IS
    'Returns under which value a column has a text, and whether it is stored as hashes, which cannot be sought; nulls if it links no claims.';

CREATE FUNCTION claimwatch.api_search(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    most      CONSTANT integer := claimwatch.most_linked();
    action    CONSTANT text := 'claim.search';
    held      text[] := claimwatch.lines_permitted(actor, groups, 'claim.read'::text);
    wanted    text := asked ->> 'line';
    granted   text[];
    allowed   text[];
    -- The value that is sought may be a person's; it is not recorded.
    object    text := coalesce(asked ->> 'q', 'column ' || (asked ->> 'column'));
    lines     text[];
    found     claimwatch.claim_value[];
    unsearchable text[] := '{}';
    answer    jsonb;
BEGIN
    granted := ARRAY(SELECT DISTINCT c.line FROM claimwatch.contract AS c
                     WHERE c.status = 'applied' AND (c.line = ANY (held) OR '*' = ANY (held)) ORDER BY 1);
    allowed := ARRAY(SELECT DISTINCT p.purpose FROM unnest(granted) AS l (line), unnest(claimwatch.purposes_of(l.line))
                         AS p (purpose) ORDER BY 1);
    IF allowed = '{}' THEN
        allowed := claimwatch.default_purposes();
    END IF;
    IF purpose = ANY (allowed) IS NOT TRUE THEN
        RETURN claimwatch.refuse_purpose(allowed, actor, 'app'::text, action, wanted, object, request_id);
    ELSIF held = '{}' THEN
        RETURN claimwatch.refuse('forbidden'::text, actor, 'app'::text, action, wanted, object, purpose, request_id);
    ELSIF coalesce(asked ->> 'q', '') = '' AND (coalesce(asked ->> 'column', '') = '' OR coalesce(asked ->> 'value', '') = '')
    THEN
        RETURN claimwatch.refuse('malformed'::text, actor, 'app'::text, action, wanted, object, purpose, request_id);
    END IF;
    lines := ARRAY(SELECT l.line FROM unnest(granted) AS l (line)
                   WHERE purpose = ANY (claimwatch.purposes_of(l.line)) AND (wanted IS NULL OR l.line = wanted));
    IF coalesce(asked ->> 'q', '') <> '' THEN
        found := ARRAY(
            SELECT ROW(l.line, c.claim_id, NULL, NULL)::claimwatch.claim_value
            FROM unnest(lines) AS l (line)
            CROSS JOIN LATERAL claimwatch.claims_like(l.line, left(asked ->> 'q', 400), 2 * most) AS c);
    ELSE
        SELECT ARRAY(
                   SELECT ROW(s.line, k.claim_id, NULL, s.value)::claimwatch.claim_value
                   FROM unnest(array_agg(l.line), array_agg(d.value)) AS s (line, value)
                   CROSS JOIN LATERAL (SELECT v.claim_id FROM claimwatch.link_value AS v
                                       WHERE v.value = s.value AND v.line = s.line
                                       ORDER BY v.claim_id LIMIT 2 * most) AS k),
               coalesce(array_agg(l.line ORDER BY l.line) FILTER (WHERE d.hashed), '{}')
        INTO found, unsearchable
        FROM unnest(lines) AS l (line)
        CROSS JOIN LATERAL claimwatch.link_digest_of(l.line, asked ->> 'column', asked ->> 'value') AS d;
        -- Claims that have the value now.
        found := ARRAY(
            SELECT ROW(l.line, v.claim_id, NULL, NULL)::claimwatch.claim_value
            FROM (SELECT f.line, f.value, array_agg(f.claim_id) AS claims FROM unnest(found) AS f GROUP BY f.line, f.value) AS l
            CROSS JOIN LATERAL claimwatch.values_of_claims(l.line, l.claims) AS v
            WHERE v.value = l.value);
    END IF;
    SELECT coalesce(jsonb_agg(s.document ORDER BY s.exact DESC, s.claim_id, s.line), '[]') INTO answer
    FROM (
        SELECT d.document, d.claim_id, d.line, d.claim_id = coalesce(asked ->> 'q', '') AS exact
        FROM claimwatch.claim_documents(ARRAY(SELECT f.line FROM unnest(found) AS f),
                                        ARRAY(SELECT f.claim_id FROM unnest(found) AS f)) AS d
        ORDER BY exact DESC, d.claim_id, d.line LIMIT most
    ) AS s;
    PERFORM claimwatch.record_access(actor, 'app'::text, action, wanted, object, purpose, NULL::text, request_id,
                                     'answered'::text, NULL::text);
    RETURN ROW('answered'::text, jsonb_build_object('claims', answer, 'unsearchable', to_jsonb(unsearchable)));
END
$$;
COMMENT ON FUNCTION claimwatch.api_search IS
    'Returns claims by id, by its beginning, or by the value of a column marked linkOn that is stored in clear, for a person; unsearchable are the lines that store the column as hashes.';

-- ── Who may run what ─────────────────────────────────────────────────────────────────────────────────────────────────

GRANT SELECT ON claimwatch.link_value TO claimwatch_api_definer;
GRANT SELECT (image_id, other_image_id, event_id, other_event_id, distance) ON claimwatch.image_match
    TO claimwatch_api_definer;
GRANT SELECT (image_id, event_id) ON claimwatch.current_claim_image TO claimwatch_api_definer;

DO $$
DECLARE
    item record;
BEGIN
    -- Whoever owns a function needs this right at that moment, and not afterwards.
    GRANT CREATE ON SCHEMA claimwatch TO claimwatch_api_definer;
    FOR item IN
        SELECT p.oid::regprocedure AS signature, starts_with(p.proname::text, 'api_') AS door
        FROM pg_proc AS p
        WHERE p.pronamespace = 'claimwatch'::regnamespace AND p.proname IN (
            'api_links', 'api_search', 'values_of_claims', 'received_claims', 'claims_like', 'events_of_claims',
            'claims_of_events', 'most_linked', 'links_of', 'linked_claims', 'claim_documents', 'link_digest_of')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', item.signature);
        IF item.door THEN
            EXECUTE format('ALTER FUNCTION %s OWNER TO claimwatch_api_definer', item.signature);
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO claimwatch_api', item.signature);
        ELSE
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO claimwatch_api_definer', item.signature);
        END IF;
    END LOOP;
    REVOKE CREATE ON SCHEMA claimwatch FROM claimwatch_api_definer;
    REVOKE USAGE ON TYPE claimwatch.claim_value, claimwatch.link FROM PUBLIC;
    GRANT USAGE ON TYPE claimwatch.claim_value, claimwatch.link TO claimwatch_api_definer;
END
$$;
REVOKE EXECUTE ON FUNCTION claimwatch.fold_letters, claimwatch.link_text, claimwatch.link_digest, claimwatch.link_columns, claimwatch.identifier_of,
    claimwatch.link_query, claimwatch.plan_links, claimwatch.note_linked_columns, claimwatch.note_file_to_link, claimwatch.feed_links FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claimwatch.feed_links TO claimwatch_ingest, claimwatch_contracts;

DO $$
DECLARE
    line text;
BEGIN
    FOR line IN SELECT DISTINCT c.line FROM claimwatch.contract AS c WHERE c.status = 'applied' LOOP
        PERFORM claimwatch.plan_links(line, (SELECT c.compiled FROM claimwatch.running_contract(line) AS c));
    END LOOP;
END
$$;
