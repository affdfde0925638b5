use super::*;

fn check(values: &[Value], bytes: &[u8]) {
    let mut out = Vec::new();
    encode_record(values, TextEncoding::Utf8, &mut out);
    assert_eq!(out, bytes, "{values:?}");
    assert_eq!(record_len(values.iter().map(Value::as_ref), TextEncoding::Utf8), bytes.len());
    let mut decoded = Vec::new();
    RecordReader::new(bytes).unwrap().decode_all(TextEncoding::Utf8, &mut decoded).unwrap();
    assert_eq!(decoded, values);
    let mut cursor = RecordCursor::new();
    for order in [0, 1] {
        cursor.reset();
        for i in 0..values.len() {
            let i = if order == 0 { i } else { values.len() - 1 - i };
            assert_eq!(cursor.column(bytes, i).unwrap(), Some(values[i].as_ref()));
        }
        assert_eq!(cursor.column(bytes, values.len()).unwrap(), None);
        assert_eq!(cursor.column_count(bytes).unwrap(), values.len());
    }
}

#[test]
fn every_serial_type() {
    check(&[], &[1]);
    check(&[Value::Null], &[2, 0]);
    check(&[Value::Integer(0), Value::Integer(1), Value::Integer(2)], &[4, 8, 9, 1, 2]);
    check(&[Value::Integer(-1)], &[2, 1, 0xff]);
    check(&[Value::Integer(-129)], &[2, 2, 0xff, 0x7f]);
    check(&[Value::Integer(0x7f_ffff)], &[2, 3, 0x7f, 0xff, 0xff]);
    check(&[Value::Integer(-0x80_0000)], &[2, 3, 0x80, 0, 0]);
    check(&[Value::Integer(0x80_0000)], &[2, 4, 0, 0x80, 0, 0]);
    check(&[Value::Integer(1 << 40)], &[2, 5, 1, 0, 0, 0, 0, 0]);
    check(&[Value::Integer(i64::MIN)], &[2, 6, 0x80, 0, 0, 0, 0, 0, 0, 0]);
    check(&[Value::Real(1.0)], &[2, 7, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
    check(&[Value::text("ab"), Value::blob(*b"c")], &[3, 17, 14, b'a', b'b', b'c']);
}

#[test]
fn long_headers_count_their_own_length() {
    for n in [125, 126, 127, 128, 16380, 16381, 16382, 16383, 16384] {
        let values = vec![Value::Null; n];
        let mut out = Vec::new();
        encode_record(&values, TextEncoding::Utf8, &mut out);
        let (header, _) = varint::read(&out).unwrap();
        assert_eq!(header as usize, out.len());
        assert_eq!(RecordCursor::new().column_count(&out).unwrap(), n);
    }
}

#[test]
fn old_formats_have_no_constants() {
    let mut out = Vec::new();
    encode_record_with([ValueRef::Integer(0), ValueRef::Integer(1)], TextEncoding::Utf8, false, &mut out);
    assert_eq!(out, [3, 1, 1, 0, 1]);
}

#[test]
fn utf16_round_trips_lone_surrogates() {
    for encoding in [TextEncoding::Utf16Le, TextEncoding::Utf16Be] {
        let units = [0x61u16, 0xd800, 0x62, 0xdc00, 0xd83d, 0xde00, 0xfffe, 0xffff];
        let mut stored = Vec::new();
        for unit in units {
            let bytes = if encoding == TextEncoding::Utf16Le { unit.to_le_bytes() } else { unit.to_be_bytes() };
            stored.extend_from_slice(&bytes);
        }
        let mut text = Vec::new();
        encoding.decode(&stored, &mut text);
        let mut again = Vec::new();
        encoding.encode(&text, &mut again);
        assert_eq!(again, stored);
        assert_eq!(encoding.encoded_len(&text), again.len());
    }
}

#[test]
fn damaged_records_are_errors() {
    for bytes in [&[0x80u8][..], &[5, 1], &[2, 1], &[2, 10], &[3, 0x81], &[2, 0x41, 1], &[0], &[1, 2, 3]] {
        let mut cursor = RecordCursor::new();
        let _ = cursor.column(bytes, 0);
        let _ = cursor.column(bytes, 7);
        if let Ok(reader) = RecordReader::new(bytes) {
            let _ = reader.decode_all(TextEncoding::Utf8, &mut Vec::new());
        }
    }
    assert!(RecordCursor::new().column(&[2, 1], 0).is_err());
    // What no file should have is NULL.
    assert_eq!(RecordCursor::new().column(&[2, 10], 0).unwrap(), Some(ValueRef::Null));
    assert!(RecordReader::new(&[9, 1]).is_err());
}
