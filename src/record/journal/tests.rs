use super::*;
use crate::record::Cause;

fn lines() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let begin =
        begin(Cause::Deploy, ReleaseNumber(2), Some(ReleaseNumber(1)), vec![Step::Create, Step::Switch]);
    let mut journal = Journal::create(&path, &begin).unwrap();
    journal.step(Step::Create, Happened::Started).unwrap();
    journal.step(Step::Create, Happened::Succeeded).unwrap();
    assert!(Journal::create(&path, &begin).is_err(), "an open journal was overwritten");
    std::fs::read(&path).unwrap()
}

#[test]
fn a_torn_last_line_counts_as_not_written_wherever_it_is_torn() {
    let bytes = lines();
    let whole = bytes[..bytes.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    for cut in whole..bytes.len() {
        let JournalState::Open(replay) = parse(&bytes[..cut], Path::new("j")).unwrap() else { panic!() };
        assert_eq!(replay.last(Step::Create), Some(&Happened::Started));
        assert_eq!(replay.whole_bytes, whole as u64);
    }
    let JournalState::Open(replay) = parse(&bytes, Path::new("j")).unwrap() else { panic!() };
    assert_eq!(replay.last(Step::Create), Some(&Happened::Succeeded));
    assert!(replay.may_have_effect(Step::Create) && !replay.may_have_effect(Step::Switch));
}

#[test]
fn every_prefix_of_a_journal_is_read() {
    let mut bytes = lines();
    bytes.extend_from_slice(
        br#"{"end":{"at":"2026-01-01T00:00:00Z","ending":{"unwound":{"reason":"a\nb"}}}}"#,
    );
    bytes.push(b'\n');
    let ends: Vec<usize> =
        bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    for cut in 0..=bytes.len() {
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let state = parse(&bytes[..cut], Path::new("j")).unwrap_or_else(|error| panic!("{cut}: {error}"));
        match state {
            JournalState::None => assert_eq!(whole, 0, "{cut}"),
            JournalState::Open(replay) => {
                assert_eq!(
                    (replay.happened.len() + 1, replay.is_torn),
                    (whole, ends[whole - 1] < cut),
                    "{cut}"
                );
            }
            JournalState::Ended(replay) => {
                assert_eq!((whole, replay.is_torn), (ends.len(), false), "{cut}")
            }
        }
    }
}

#[test]
fn a_tail_counts_as_torn_only_when_it_can_be_the_beginning_of_a_line() {
    let whole = lines();
    let with = |tail: &[u8]| parse(&[whole.as_slice(), tail].concat(), Path::new("j"));
    for tail in [b"\0\0\0".as_slice(), b"{\"st", b"{\"step\":{\"at\0\0", b"{\"end\":{"] {
        let JournalState::Open(replay) = with(tail).unwrap() else { panic!() };
        assert!(replay.is_torn && replay.whole_bytes == whole.len() as u64, "{tail:?}");
    }
    for tail in [b"\xff".as_slice(), b"garbage", b"{\"begin\":{", b"\0{\"step\":{"] {
        let error = with(tail).unwrap_err();
        assert!(error.to_string().contains("line 4"), "{tail:?}: {error}");
        assert_eq!(error.kind(), Kind::Stuck);
    }
    for garbage in [b"\xff\xfe".as_slice(), b"not a journal", b"{\"step\":{"] {
        assert!(parse(garbage, Path::new("j")).unwrap_err().to_string().contains("line 1"), "{garbage:?}");
    }
}

#[test]
fn a_line_that_could_not_be_written_is_cut_off_or_nothing_follows_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let begin = begin(Cause::Deploy, ReleaseNumber(2), None, vec![Step::Create]);
    let mut journal = Journal::create(&path, &begin).unwrap();
    let kept = std::mem::replace(&mut journal.file, File::open(&path).unwrap());
    let error = journal.step(Step::Create, Happened::Started).unwrap_err();
    assert!(error.to_string().contains("journal.jsonl"), "{error}");
    // It could not be cut off either, so what could be written now would follow a torn line.
    journal.file = kept;
    assert!(journal.step(Step::Create, Happened::Started).is_err());
    let JournalState::Open(replay) = load(&path).unwrap() else { panic!() };
    let mut journal = Journal::resume(&path, replay.whole_bytes).unwrap();
    // What a full disk took of a line lies past the end that is known.
    OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .write_all_at(b"{\"step\":{\"at", replay.whole_bytes)
        .unwrap();
    journal.step(Step::Create, Happened::Started).unwrap();
    let JournalState::Open(replay) = load(&path).unwrap() else { panic!() };
    assert_eq!((replay.happened.len(), replay.is_torn), (1, false));
}

#[test]
fn a_damaged_line_in_the_middle_and_a_newer_format_are_told_apart() {
    let mut bytes = lines();
    let second = bytes.iter().position(|b| *b == b'\n').unwrap() + 3;
    bytes[second] = b'#';
    assert!(parse(&bytes, Path::new("j")).unwrap_err().to_string().contains("line 2"));
    let newer = b"{\"begin\":{\"format\":\"9.0\",\"what\":1}}\n";
    assert!(parse(newer, Path::new("j")).unwrap_err().to_string().contains("9.0"));
}
