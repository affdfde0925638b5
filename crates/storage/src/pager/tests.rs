use super::*;

fn fill(pager: &mut Pager, no: PageNo, byte: u8) {
    pager.page(no).unwrap();
    pager.edit(no)[200..].fill(byte);
}

fn byte(pager: &mut Pager, no: u32) -> u8 {
    pager.page(PageNo(no)).unwrap()[300]
}

#[test]
fn memory_rollback_brings_back_the_pages_before_the_transaction() {
    let mut p = Pager::in_memory(512);
    p.begin_write(WriteMode::Reserved).unwrap();
    let a = p.append_page();
    fill(&mut p, a, 1);
    p.commit().unwrap();
    assert_eq!(p.page_count(), 2);
    p.begin_write(WriteMode::Reserved).unwrap();
    fill(&mut p, a, 2);
    p.append_page();
    p.edit_header(|h| h.user_version = 7);
    p.rollback();
    assert_eq!((p.page_count(), byte(&mut p, 2), p.header().user_version), (2, 1, 0));
    assert!(p.page(PageNo(3)).is_err());
}

#[test]
fn savepoints_nest_release_and_roll_back() {
    let mut p = Pager::in_memory(512);
    p.begin_write(WriteMode::Reserved).unwrap();
    let a = p.append_page();
    fill(&mut p, a, 1);
    let outer = p.open_savepoint();
    fill(&mut p, a, 2);
    let inner = p.open_savepoint();
    fill(&mut p, a, 3);
    let b = p.append_page();
    fill(&mut p, b, 9);
    p.rollback_to_savepoint(inner);
    assert_eq!((byte(&mut p, 2), p.page_count()), (2, 2));
    fill(&mut p, a, 4);
    p.release_savepoint(inner);
    assert_eq!(byte(&mut p, 2), 4);
    fill(&mut p, a, 5);
    p.rollback_to_savepoint(outer);
    assert_eq!(byte(&mut p, 2), 1);
    fill(&mut p, a, 6);
    p.rollback_to_savepoint(outer);
    assert_eq!(byte(&mut p, 2), 1);
    p.release_savepoint(outer);
    p.commit().unwrap();
    assert_eq!(byte(&mut p, 2), 1);
}

#[test]
fn truncate_and_append_inside_a_savepoint_are_undone() {
    let mut p = Pager::in_memory(512);
    p.begin_write(WriteMode::Reserved).unwrap();
    for byte in 2..=5u8 {
        let no = p.append_page();
        fill(&mut p, no, byte);
    }
    p.commit().unwrap();
    p.begin_write(WriteMode::Reserved).unwrap();
    let s = p.open_savepoint();
    p.truncate(2);
    let again = p.append_page();
    assert_eq!((again, byte(&mut p, 3)), (PageNo(3), 0));
    fill(&mut p, again, 33);
    p.rollback_to_savepoint(s);
    assert_eq!((2..=5).map(|n| byte(&mut p, n)).collect::<Vec<_>>(), [2, 3, 4, 5]);
    p.rollback();
    assert_eq!((2..=5).map(|n| byte(&mut p, n)).collect::<Vec<_>>(), [2, 3, 4, 5]);
}

#[test]
fn a_held_page_keeps_its_bytes_while_the_writer_goes_on() {
    let mut p = Pager::temp(512);
    let a = p.append_page();
    fill(&mut p, a, 1);
    let held = p.page(a).unwrap();
    fill(&mut p, a, 2);
    assert_eq!((held[300], byte(&mut p, 2)), (1, 2));
}

#[test]
fn a_large_transaction_leaves_memory_and_is_committed_whole() {
    for wal in [true, false] {
        let io: Arc<dyn turso_io::Io> = Arc::new(turso_io::MemoryIo::new());
        let options = crate::OpenOptions { wal, page_size: 512, ..Default::default() };
        let open = || Pager::open(crate::DatabaseFile::open(io.clone(), "/spill".as_ref(), options).unwrap());
        let mut p = open();
        p.set_spill_pages(20);
        p.set_cache_pages(16);
        for round in 1..=2u8 {
            p.begin_write(WriteMode::Reserved).unwrap();
            for n in 0..500u32 {
                let no = if round == 1 { p.append_page() } else { PageNo(n + 2) };
                fill(&mut p, no, round.wrapping_add(n as u8));
                p.unpin();
                assert!(p.table.resident() < 60, "{}", p.table.resident());
            }
            assert!(p.spill.is_some());
            p.commit().unwrap();
            p.end_read();
            assert!(p.spill.is_none());
            let mut q = open();
            for p in [&mut p, &mut q] {
                p.begin_read().unwrap();
                for n in 0..500u32 {
                    assert_eq!(byte(p, n + 2), round.wrapping_add(n as u8));
                    p.unpin();
                }
                p.end_read();
            }
        }
    }
}
