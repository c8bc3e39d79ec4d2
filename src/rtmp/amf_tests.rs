use proptest::prelude::*;

use super::RtmpError;
use super::amf::{Reader, Value};

fn written(values: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    values.iter().for_each(|value| value.write(&mut bytes));
    bytes
}

fn value() -> impl Strategy<Value = Value> {
    let number = any::<f64>().prop_filter("NaN is no equal", |n| !n.is_nan());
    let leaf = prop_oneof![
        number.clone().prop_map(Value::Number),
        any::<bool>().prop_map(Value::Boolean),
        ".{0,20}".prop_map(Value::String),
        (65_530usize..=65_536).prop_map(|n| Value::String("x".repeat(n))),
        Just(Value::Null),
        Just(Value::Undefined),
        Just(Value::Unsupported),
        any::<u16>().prop_map(Value::Reference),
        number.prop_map(Value::Date),
        ".{0,20}".prop_map(Value::Xml),
    ];
    leaf.prop_recursive(8, 40, 5, |inner| {
        let fields = proptest::collection::vec((".{0,9}", inner.clone()), 0..5);
        prop_oneof![
            fields.clone().prop_map(Value::Object),
            fields.prop_map(Value::EcmaArray),
            proptest::collection::vec(inner, 0..5).prop_map(Value::StrictArray),
        ]
    })
}

proptest! {
    #[test]
    fn values_read_back_equal(values in proptest::collection::vec(value(), 0..5)) {
        prop_assert_eq!(Reader::new(&written(&values)).all().unwrap(), values);
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Reader::new(&bytes).all();
        // Markers are rare among random bytes.
        let marked: Vec<u8> = bytes.iter().map(|b| b % 18).collect();
        let _ = Reader::new(&marked).all();
    }

    #[test]
    fn what_ends_in_the_middle_is_an_error(value in value(), cut in any::<prop::sample::Index>()) {
        let bytes = written(&[value]);
        let cut = cut.index(bytes.len());
        if cut > 0 {
            prop_assert!(matches!(Reader::new(&bytes[..cut]).all(), Err(RtmpError::Amf(_))));
        }
    }
}

#[test]
fn the_bytes_are_those_of_the_specification() {
    let object = Value::Object(vec![("app".to_owned(), "live".into())]);
    let values = ["connect".into(), 1.0.into(), object, Value::Null, Value::Boolean(true)];
    let golden = b"\x02\0\x07connect\0\x3f\xf0\0\0\0\0\0\0\x03\0\x03app\x02\0\x04live\0\0\x09\x05\x01\x01";
    assert_eq!(written(&values), golden);
    let typed = b"\x10\0\x01T\0\x01a\x05\0\0\x09";
    let plain = Value::Object(vec![("a".to_owned(), Value::Null)]);
    assert_eq!(Reader::new(typed).all().unwrap(), [plain]);
}

#[test]
fn what_is_too_large_is_refused() {
    let nested = |levels| {
        let mut value = Value::Null;
        (0..levels).for_each(|_| value = Value::StrictArray(vec![value.clone()]));
        Reader::new(&written(&[value])).all().map(drop)
    };
    nested(8).unwrap();
    let long = |length| Reader::new(&written(&["x".repeat(length).as_str().into()])).all().map(drop);
    long(65_536).unwrap();
    let many = |n| Reader::new(&written(&[Value::StrictArray(vec![Value::Null; n])])).all().map(drop);
    many(16_383).unwrap();
    let bottomless = Reader::new(&[0x0a, 0, 0, 0, 1].repeat(100_000)).all().map(drop);
    for error in [nested(9), bottomless, long(65_537), many(16_384)] {
        assert!(matches!(error, Err(RtmpError::AmfLimit(_))), "{error:?}");
    }
}
