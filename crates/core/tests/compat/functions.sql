-- # Core functions
-- = abs
SELECT abs(-5), abs('-2.5'), abs(NULL), abs('x');
-- = changes
UPDATE t SET c = 1; SELECT changes();
-- = char
SELECT char(65, 233, 128512), char();
-- = coalesce
SELECT coalesce(NULL, NULL, 3), coalesce(1, abs('x')); SELECT coalesce(1);
-- = concat
SELECT concat(1, NULL, 'a', 2.5); SELECT concat();
-- = concat_ws
SELECT concat_ws('-', 1, NULL, 'b'), concat_ws(NULL, 1, 2);
-- = format
SELECT format('%d|%5.2f|%-4s|%04d|%x|%q|%Q|%w|%,d|%e|%g|%c|%j|%J|%%', 42, 3.14159, 'ab', 7, 255, 'it''s', 'it''s', 'a"b', 1234567, 12345.678, 0.0001, 'xyz', 'a"', 'b"');
-- = printf
SELECT printf('%s and %.3s %!s %+d % d %#x %lld %i %u %o', 'a', 'abcdef', 'é', 5, 5, 255, 9, 3, 4, 8);
-- = glob
SELECT glob('a*', 'abc'), glob('[^a]?', 'bc');
-- = hex
SELECT hex('abc'), hex(x'00ff'), hex(12), hex(NULL);
-- = if
SELECT if(1, 'a', 'b'), if(0, 'a', 1, 'c', 'd'), if(NULL, 1);
-- = ifnull
SELECT ifnull(NULL, 2), ifnull(1, 2);
-- = iif
SELECT iif(1 > 2, 'a', 'b'), iif(0, 1);
-- = instr
SELECT instr('hello', 'l'), instr(x'0102', x'02'), instr('a', NULL), instr('é€', '€');
-- = last_insert_rowid
INSERT INTO t(a) VALUES (77); SELECT last_insert_rowid();
-- = length
SELECT length('é€'), length(x'0102'), length(12.5), length(NULL);
-- = like
SELECT like('a%', 'ABC'), like('a!%', 'a%', '!');
-- = likelihood
SELECT likelihood(5, 0.5);
-- + a probability above 1
SELECT likelihood(5, 2);
-- = likely
SELECT likely(5);
-- = unlikely
SELECT unlikely(5);
-- = load_extension
SELECT load_extension('nope');
-- = lower
SELECT lower('AbÉ');
-- = upper
SELECT upper('abé');
-- = ltrim
SELECT ltrim('  a '), ltrim('xxax', 'x');
-- = rtrim
SELECT rtrim('  a '), rtrim('axx', 'x');
-- = trim
SELECT trim('  a '), trim('xyaxy', 'yx');
-- = max
SELECT max(1, 'a', 2.5), max(1, NULL), max(a), max(b) FROM t;
-- = min
SELECT min(1, 'a', 2.5), min(1, NULL), min(a), min(b) FROM t;
-- = nullif
SELECT nullif(1, 1), nullif(1, 2), nullif('a' COLLATE NOCASE, 'A');
-- = octet_length
SELECT octet_length('é'), octet_length(12), octet_length(NULL);
-- = quote
SELECT quote('it''s'), quote(x'0a'), quote(NULL), quote(1.5), quote(1e300), quote(0.1);
-- = random
SELECT typeof(random()), random() <> random();
-- = randomblob
SELECT length(randomblob(5)), typeof(randomblob(0));
-- = replace
SELECT replace('abcabc', 'b', 'xx'), replace('abc', '', 'x'), replace('a', 'a', NULL);
-- = round
SELECT round(2.5), round(-2.5), round(1.2345, 2), round(1e20), round('x'), round(0.285, 2);
-- = sign
SELECT sign(-3), sign(0.5), sign('x'), sign(NULL);
-- = soundex
SELECT soundex('Robert'), soundex(''), soundex(NULL);
-- = sqlite_compileoption_get
SELECT typeof(sqlite_compileoption_get(0)), sqlite_compileoption_get(-1);
-- ! the options are our own
-- = sqlite_compileoption_used
SELECT sqlite_compileoption_used('NOPE');
-- ! the options are our own
-- = sqlite_log
SELECT sqlite_log(1, 'x');
-- = sqlite_source_id
SELECT length(sqlite_source_id()) > 60;
-- = sqlite_version
SELECT substr(sqlite_version(), 1, 2);
-- = substr
SELECT substr('hello', 2, 3), substr('hello', -3), substr('hello', 0, 2), substr('hello', 3, -2), substr(x'010203', 2);
-- = substring
SELECT substring('héllo', 2, 2);
-- = subtype
SELECT subtype(json('[1]')), subtype('[1]');
-- = total_changes
DELETE FROM u; SELECT total_changes();
-- = typeof
SELECT typeof(1), typeof(1.0), typeof('a'), typeof(x''), typeof(NULL);
-- = unhex
SELECT unhex('4142'), unhex('4-1', '-'), unhex('4'), unhex('zz');
-- = unicode
SELECT unicode('é'), unicode('');
-- = unistr
SELECT unistr('a\00e9\u20AC'); SELECT unistr('\z');
-- = unistr_quote
SELECT unistr_quote('a' || char(10)), unistr_quote('a');
-- = zeroblob
SELECT zeroblob(3), length(zeroblob(1000)), zeroblob(-1);
-- = ->
SELECT "->"('{"a":1}', 'a');
-- = ->>
SELECT "->>"('{"a":"b"}', '$.a');
-- = match
SELECT match('a', 'b');
-- # Aggregates
-- = avg
SELECT avg(a), avg(c), avg(b), avg(a) FILTER (WHERE 0) FROM t;
-- = count
SELECT count(*), count(b), count(DISTINCT c), count() FROM t;
-- = group_concat
SELECT group_concat(b), group_concat(b, '; '), group_concat(DISTINCT b) FROM t;
-- = median
SELECT median(a), median(c) FROM t;
-- = percentile
SELECT percentile(a, 25) FROM t; SELECT percentile(a, 101) FROM t;
-- = percentile_cont
SELECT percentile_cont(a, 0.25) FROM t;
-- = percentile_disc
SELECT percentile_disc(a, 0.25) FROM t;
-- = mode
SELECT mode(a) FROM t;
-- = stddev
SELECT stddev(a) FROM t;
-- = string_agg
SELECT string_agg(b, '/') FROM t; SELECT string_agg(b) FROM t;
-- = sum
SELECT sum(a), sum(c), sum(b), sum(NULL) FROM t; SELECT sum(v) FROM (SELECT 9223372036854775807 AS v UNION ALL SELECT 1);
-- = total
SELECT total(a), total(b), total(NULL) FROM t;
-- # Window functions
-- = cume_dist
SELECT cume_dist() OVER (ORDER BY x) FROM u;
-- = dense_rank
SELECT dense_rank() OVER (ORDER BY x) FROM u;
-- = first_value
SELECT first_value(b) OVER (ORDER BY a) FROM t;
-- = lag
SELECT lag(a) OVER (ORDER BY a), lag(a, 2, 'none') OVER (ORDER BY a) FROM t;
-- = last_value
SELECT last_value(a) OVER (ORDER BY a) FROM t;
-- = lead
SELECT lead(a) OVER (ORDER BY a), lead(a, 2, 0) OVER (ORDER BY a) FROM t;
-- = nth_value
SELECT nth_value(a, 2) OVER (ORDER BY a) FROM t; SELECT nth_value(a, 0) OVER (ORDER BY a) FROM t;
-- = ntile
SELECT ntile(3) OVER (ORDER BY a) FROM t; SELECT ntile(0) OVER () FROM t;
-- = percent_rank
SELECT percent_rank() OVER (ORDER BY x) FROM u;
-- = rank
SELECT rank() OVER (ORDER BY x) FROM u;
-- = row_number
SELECT row_number() OVER (ORDER BY b) FROM t; SELECT row_number() FROM t;
-- # Date and time
-- = current_date
SELECT length(current_date);
-- = current_time
SELECT length(current_time);
-- = current_timestamp
SELECT length(current_timestamp);
-- = date
SELECT date('2024-02-29', '+1 year'), date('2024-01-31', '+1 month', 'floor'), date('2024-01-31', '+1 month', 'ceiling'), date(0, 'unixepoch'), date('now') = current_date, date('2024-03-10', 'weekday 0', 'start of month'), date('bad'), date('2024-01-01', '+0001-02-03');
-- = datetime
SELECT datetime('2024-05-06T07:08:09.123Z'), datetime('2024-05-06 07:08+02:00'), datetime(2460000.5), datetime(1e9, 'auto'), datetime('2024-05-06 01:02:03.456', 'subsec'), datetime('2024-05-06', '-36.5 hours');
-- + localtime, utc
SELECT datetime('2024-05-06 12:00:00', 'utc', 'localtime');
-- = julianday
SELECT julianday('2024-05-06 12:00:00'), julianday(0), julianday('x');
-- = strftime
SELECT strftime('%d %e %f %F %G %g %H %I %j %J %k %l %m %M %p %P %R %s %S %T %u %U %V %w %W %Y %%', '2024-05-06 17:08:09.123'), strftime('%q', 0);
-- = time
SELECT time('12:34:56', '+90 minutes'), time('25:00');
-- = timediff
SELECT timediff('2024-03-01', '2023-12-25 10:00:00'), timediff('2023-01-01', '2024-01-01');
-- = unixepoch
SELECT unixepoch('2024-05-06'), unixepoch('2024-05-06 00:00:00.5', 'subsec');
-- # Math functions
-- > In SQLite they are a build option, which the one compared with has not; `crates/functions` tests them against values computed apart.
-- = acos
SELECT acos(0.5), acos(2);
-- = acosh
SELECT acosh(2), acosh(0);
-- = asin
SELECT asin(0.5), asin('x');
-- = asinh
SELECT asinh(1);
-- = atan
SELECT atan(1);
-- = atan2
SELECT atan2(1, -1);
-- = atanh
SELECT atanh(0.5), atanh(1);
-- = ceil
SELECT ceil(1.2), ceil(-1.2), ceil(3), ceil('x');
-- = ceiling
SELECT ceiling(1.2);
-- = cos
SELECT cos(1);
-- = cosh
SELECT cosh(1);
-- = degrees
SELECT degrees(1);
-- = exp
SELECT exp(1), exp(1000);
-- = floor
SELECT floor(1.7), floor(-1.2), floor(3);
-- = ln
SELECT ln(2), ln(0), ln(-1);
-- = log
SELECT log(100), log(2, 8), log(0);
-- = log10
SELECT log10(1000);
-- = log2
SELECT log2(8);
-- = mod
SELECT mod(7, 3), mod(7.5, 2), mod(1, 0);
-- = pi
SELECT pi();
-- = pow
SELECT pow(2, 10), pow(0, -1), pow(-8, 1.0 / 3);
-- = power
SELECT power(2, 0.5);
-- = radians
SELECT radians(180);
-- = sin
SELECT sin(1);
-- = sinh
SELECT sinh(1);
-- = sqrt
SELECT sqrt(2), sqrt(-1);
-- = tan
SELECT tan(1);
-- = tanh
SELECT tanh(1);
-- = trunc
SELECT trunc(1.9), trunc(-1.9), trunc(5);
-- # JSON functions
-- = json
SELECT json(' { "a" : [1, 2.50, "x\u0041"] } '), json('{a:1,/*c*/b:''q'',}'), json(NULL); SELECT json('{');
-- = json_array
SELECT json_array(1, 'a', NULL, json('[2]'), 1.5); SELECT json_array(x'00');
-- = json_array_insert
SELECT json_array_insert('[1,2,3]', '$[1]', 9);
-- = json_array_length
SELECT json_array_length('[1,2]'), json_array_length('{"a":[1]}', '$.a'), json_array_length('5');
-- = json_error_position
SELECT json_error_position('{"a":1}'), json_error_position('{"a":}');
-- = json_extract
SELECT json_extract('{"a":[1,{"b":null}],"c":"t"}', '$.a[1]', '$.c'), json_extract('{"a":1.0}', '$.a'), json_extract('[1,2,3]', '$[#-1]'); SELECT json_extract('{}', 'bad');
-- = json_group_array
SELECT json_group_array(b) FROM t;
-- = json_group_object
SELECT json_group_object(a, b) FROM t;
-- = json_insert
SELECT json_insert('{"a":1}', '$.a', 2, '$.b', 3), json_insert('[1]', '$[#]', 2);
-- = json_object
SELECT json_object('a', 1, 'b', json('[1]')); SELECT json_object('a'); SELECT json_object(1, 2);
-- = json_patch
SELECT json_patch('{"a":1,"b":2}', '{"b":null,"c":{"d":3}}');
-- = json_pretty
SELECT json_pretty('{"a":[1,{}],"b":[]}'), json_pretty('[1]', '..');
-- = json_quote
SELECT json_quote('a"b'), json_quote(1.5), json_quote(NULL), json_quote(json('[1]'));
-- = json_remove
SELECT json_remove('[1,2,3]', '$[0]', '$[0]'), json_remove('{"a":1}', '$');
-- = json_replace
SELECT json_replace('{"a":1}', '$.a', 2, '$.b', 3);
-- = json_set
SELECT json_set('{"a":1}', '$.a', json('[2]'), '$.b.c', 3);
-- = json_type
SELECT json_type('{"a":[1.5,true]}'), json_type('{"a":[1.5,true]}', '$.a[0]'), json_type('[null]', '$[0]'), json_type('[1]', '$[5]');
-- = json_valid
SELECT json_valid('{}'), json_valid('{a:1}'), json_valid('{a:1}', 2), json_valid(jsonb('[1]'), 8), json_valid(NULL);
-- = jsonb
SELECT jsonb('{"a":[1,2.5,"x",null,true]}'), json(jsonb('[1,"é"]'));
-- = jsonb_array
SELECT jsonb_array(1, 'a');
-- = jsonb_array_insert
SELECT json(jsonb_array_insert('[1,2]', '$[0]', 0));
-- = jsonb_extract
SELECT jsonb_extract('{"a":[1]}', '$.a');
-- = jsonb_group_array
SELECT jsonb_group_array(a) FROM t;
-- = jsonb_group_object
SELECT jsonb_group_object(a, b) FROM t;
-- = jsonb_insert
SELECT jsonb_insert('{}', '$.a', 1);
-- = jsonb_object
SELECT jsonb_object('a', 1);
-- = jsonb_patch
SELECT jsonb_patch('{"a":1}', '{"b":2}');
-- = jsonb_remove
SELECT jsonb_remove('[1,2]', '$[0]');
-- = jsonb_replace
SELECT jsonb_replace('[1,2]', '$[0]', 'x');
-- = jsonb_set
SELECT jsonb_set('[1,2]', '$[2]', 3);
-- # R-Trees
-- = rtreecheck
CREATE VIRTUAL TABLE box USING rtree(id, x0, x1); INSERT INTO box VALUES (1, 2, 3), (2, 5, 6); SELECT rtreecheck('box'), rtreecheck('main', 'box'); SELECT rtreecheck('t'); SELECT rtreecheck('nosuch');
DELETE FROM box_rowid WHERE rowid = 1; SELECT rtreecheck('box');
-- = rtreedepth
SELECT rtreedepth(x'0003'), rtreedepth(zeroblob(40)); SELECT rtreedepth('x');
-- = rtreenode
SELECT rtreenode(1, x'0000000100000000000000053f80000040000000'); SELECT rtreenode(2, x'00000000'), rtreenode(9, x'00000000'), rtreenode(1, NULL);

-- # Our own functions
-- = btrim
SELECT btrim('xxaxx', 'x');
-- = char_length
SELECT char_length('é');
-- = chr
SELECT chr(233);
-- = gcd
SELECT gcd(12, 18);
-- = get_byte
SELECT get_byte(x'0102', 1);
-- = lcm
SELECT lcm(4, 6);
-- = lpad
SELECT lpad('a', 3, 'x');
-- = repeat
SELECT repeat('ab', 3);
-- = reverse
SELECT reverse('abc');
-- = rpad
SELECT rpad('a', 3, 'x');
-- = set_byte
SELECT set_byte(x'0102', 0, 255);
-- = string_reverse
SELECT string_reverse('abc');
-- = strpos
SELECT strpos('abc', 'c');
-- = turso_version
SELECT turso_version();

-- # Functions that others ship as extensions
-- > [docs/functions.md](docs/functions.md) is their manual.
-- = crypto_blake3
SELECT hex(crypto_blake3('abc'));
-- = crypto_decode
SELECT crypto_decode('616263', 'hex');
-- = crypto_encode
SELECT crypto_encode('abc', 'base64');
-- = crypto_md5
SELECT hex(crypto_md5('abc'));
-- = crypto_sha1
SELECT hex(crypto_sha1('abc'));
-- = crypto_sha256
SELECT hex(crypto_sha256('abc'));
-- = crypto_sha384
SELECT hex(crypto_sha384('abc'));
-- = crypto_sha512
SELECT hex(crypto_sha512('abc'));
-- = dur_h
SELECT dur_h();
-- = dur_m
SELECT dur_m();
-- = dur_ms
SELECT dur_ms();
-- = dur_ns
SELECT dur_ns();
-- = dur_s
SELECT dur_s();
-- = dur_us
SELECT dur_us();
-- = fuzzy_caver
SELECT fuzzy_caver('Thompson');
-- = fuzzy_damlev
SELECT fuzzy_damlev('awesome', 'aewsome');
-- = fuzzy_hamming
SELECT fuzzy_hamming('awesome', 'aewsome');
-- = fuzzy_jarowin
SELECT fuzzy_jarowin('awesome', 'aewsome');
-- = fuzzy_leven
SELECT fuzzy_leven('awesome', 'aewsome');
-- = fuzzy_osadist
SELECT fuzzy_osadist('awesome', 'aewsome');
-- = fuzzy_phonetic
SELECT fuzzy_phonetic('awesome');
-- = fuzzy_rsoundex
SELECT fuzzy_rsoundex('awesome');
-- = fuzzy_script
SELECT fuzzy_script('awesome');
-- = fuzzy_soundex
SELECT fuzzy_soundex('awesome');
-- = fuzzy_translit
SELECT fuzzy_translit('awesome');
-- = gen_random_uuid
SELECT length(gen_random_uuid());
-- = ipcontains
SELECT ipcontains('10.0.0.0/8', '10.1.2.3');
-- = ipfamily
SELECT ipfamily('10.1.2.3/8');
-- = iphost
SELECT iphost('10.1.2.3/8');
-- = ipmasklen
SELECT ipmasklen('10.1.2.3/8');
-- = ipnetwork
SELECT ipnetwork('10.1.2.3/8');
-- = make_date
SELECT hex(make_date(2024, 2, 29));
-- = make_timestamp
SELECT hex(make_timestamp(2024, 2, 29, 1, 2, 3));
-- = regexp_capture
SELECT regexp_capture('abc', '(b)(c)', 2);
-- = regexp_like
SELECT regexp_like('abc', 'b.');
-- = regexp_replace
SELECT regexp_replace('abc', '(b)', '<$1>');
-- = regexp_substr
SELECT regexp_substr('abc', 'b.');
-- = time_add
SELECT hex(time_add(time_date(2024, 2, 29, 1, 2, 3, 4), 1));
-- = time_add_date
SELECT hex(time_add_date(time_date(2024, 2, 29, 1, 2, 3, 4), 1));
-- = time_after
SELECT time_after(time_date(2024, 2, 29, 1, 2, 3, 4), time_unix(0));
-- = time_before
SELECT time_before(time_date(2024, 2, 29, 1, 2, 3, 4), time_unix(0));
-- = time_compare
SELECT time_compare(time_date(2024, 2, 29, 1, 2, 3, 4), time_unix(0));
-- = time_date
SELECT hex(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_equal
SELECT time_equal(time_date(2024, 2, 29, 1, 2, 3, 4), time_unix(0));
-- = time_fmt_date
SELECT time_fmt_date(time_date(2024, 2, 29, 1, 2, 3, 4), 3600);
-- = time_fmt_datetime
SELECT time_fmt_datetime(time_date(2024, 2, 29, 1, 2, 3, 4), 3600);
-- = time_fmt_iso
SELECT time_fmt_iso(time_date(2024, 2, 29, 1, 2, 3, 4), 3600);
-- = time_fmt_time
SELECT time_fmt_time(time_date(2024, 2, 29, 1, 2, 3, 4), 3600);
-- = time_get
SELECT time_get(time_date(2024, 2, 29, 1, 2, 3, 4), 'quarter');
-- = time_get_day
SELECT time_get_day(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_get_hour
SELECT time_get_hour(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_get_isoweek
SELECT time_get_isoweek(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_get_isoyear
SELECT time_get_isoyear(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_get_minute
SELECT time_get_minute(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_get_month
SELECT time_get_month(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_get_nano
SELECT time_get_nano(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_get_second
SELECT time_get_second(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_get_weekday
SELECT time_get_weekday(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_get_year
SELECT time_get_year(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_get_yearday
SELECT time_get_yearday(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_micro
SELECT hex(time_micro(1700000000000));
-- = time_milli
SELECT hex(time_milli(1700000000000));
-- = time_nano
SELECT hex(time_nano(1700000000000));
-- = time_now
SELECT length(time_now());
-- = time_parse
SELECT hex(time_parse('2024-02-29 01:02:03'));
-- = time_round
SELECT hex(time_round(time_date(2024, 2, 29, 1, 2, 3, 4), dur_h()));
-- = time_since
SELECT typeof(time_since(time_now()));
-- = time_sub
SELECT time_sub(time_date(2024, 2, 29, 1, 2, 3, 4), time_unix(0));
-- = time_to_micro
SELECT time_to_micro(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_to_milli
SELECT time_to_milli(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_to_nano
SELECT time_to_nano(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_to_unix
SELECT time_to_unix(time_date(2024, 2, 29, 1, 2, 3, 4));
-- = time_trunc
SELECT hex(time_trunc(time_date(2024, 2, 29, 1, 2, 3, 4), 'month'));
-- = time_unix
SELECT hex(time_unix(1700000000000));
-- = time_until
SELECT typeof(time_until(time_now()));
-- = to_timestamp
SELECT hex(to_timestamp(0));
-- = uuid4
SELECT typeof(uuid4());
-- = uuid4_str
SELECT length(uuid4_str());
-- = uuid7
SELECT length(uuid7());
-- = uuid7_timestamp_ms
SELECT uuid7_timestamp_ms(uuid7(1700000000));
-- = uuid_blob
SELECT hex(uuid_blob('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'));
-- = uuid_str
SELECT uuid_str(zeroblob(16));
-- # Vectors
-- > The manual is [docs/vectors.md](docs/vectors.md).
-- = vector
SELECT hex(vector('[1, 2]'));
-- = vector1bit
SELECT hex(vector1bit('[1, -1]'));
-- = vector32
SELECT hex(vector32('[1, 2]'));
-- = vector32_sparse
SELECT hex(vector32_sparse('[0, 2]'));
-- = vector64
SELECT hex(vector64('[1, 2]'));
-- = vector8
SELECT hex(vector8('[1, 2]'));
-- = vector_concat
SELECT vector_extract(vector_concat('[1]', '[2]'));
-- = vector_distance_cos
SELECT vector_distance_cos('[1, 0]', '[0, 1]');
-- = vector_distance_dot
SELECT vector_distance_dot('[1, 2]', '[3, 4]');
-- = vector_distance_jaccard
SELECT vector_distance_jaccard('[1, 2]', '[2, 1]');
-- = vector_distance_l2
SELECT vector_distance_l2('[1, 2]', '[4, 6]');
-- = vector_extract
SELECT vector_extract(vector('[1, 2.5]'));
-- = vector_slice
SELECT vector_extract(vector_slice('[1, 2, 3]', 1, 3));

-- # Captured changes
-- > The manual is [docs/cdc.md](docs/cdc.md).
-- = bin_record_json_object
SELECT bin_record_json_object('["a","b"]', x'03010f0578');
-- = table_columns_json_array
SELECT table_columns_json_array('t');

-- # Polygons
-- > The functions of geopoly, which SQLite has where it was built with it; the one that is compared with was not.
-- = geopoly_area
SELECT geopoly_area('[[0,0],[1,0],[0.5,1],[0,0]]');
-- = geopoly_bbox
SELECT geopoly_bbox('[[0,0],[1,0],[0.5,1],[0,0]]');
-- = geopoly_blob
SELECT geopoly_blob('[[0,0],[1,0],[0.5,1],[0,0]]');
-- = geopoly_ccw
SELECT geopoly_ccw('[[0,0],[1,0],[0.5,1],[0,0]]');
-- = geopoly_contains_point
SELECT geopoly_contains_point('[[0,0],[1,0],[0.5,1],[0,0]]', 0.5, 0.5);
-- = geopoly_debug
SELECT geopoly_debug(0);
-- = geopoly_group_bbox
SELECT geopoly_group_bbox('[[0,0],[1,0],[0.5,1],[0,0]]');
-- = geopoly_json
SELECT geopoly_json('[[0,0],[1,0],[0.5,1],[0,0]]');
-- = geopoly_overlap
SELECT geopoly_overlap('[[0,0],[1,0],[0.5,1],[0,0]]', '[[0,0],[1,0],[0.5,1],[0,0]]');
-- = geopoly_regular
SELECT geopoly_regular(0, 0, 1, 5);
-- = geopoly_svg
SELECT geopoly_svg('[[0,0],[1,0],[0.5,1],[0,0]]');
-- = geopoly_within
SELECT geopoly_within('[[0,0],[1,0],[0.5,1],[0,0]]', '[[0,0],[1,0],[0.5,1],[0,0]]');
-- = geopoly_xform
SELECT geopoly_xform('[[0,0],[1,0],[0.5,1],[0,0]]', 1, 0, 0, 1, 2, 3);
