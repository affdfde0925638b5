//! Reading a file that is not in memory.
//!
//! Before each measurement the system is told to forget the file. *Disk*: what it gives to threads that do nothing but read. *Scan*:
//! `sum` over one column of the whole table, against SQLite and against reading the file from front to back. *Points*: rows by
//! random rowids, one stream of blocking calls against many streams on one thread of the asynchronous face. Beside each time
//! stands what the process took of the processors, which does not depend on who else uses the machine.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use futures::future::join_all;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Bytes of a row beside its two integers.
const FILLER: u64 = 200;
/// Rows that take about a MiB.
const ROWS_PER_MIB: u64 = 4_900;

#[derive(Parser)]
#[command(about = "Scans and point queries of a file that is not in memory")]
struct Arguments {
    /// Size of the database in MiB.
    #[arg(long, default_value_t = 1024)]
    mib: u64,
    /// Where the database is made; it is removed at the end.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Streams of point queries on the asynchronous face.
    #[arg(long, default_value_t = 64)]
    streams: u64,
    /// Point queries per measurement.
    #[arg(long, default_value_t = 20_000)]
    queries: u64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let directory = match &arguments.directory {
        Some(directory) => tempfile::tempdir_in(directory)?,
        None => tempfile::tempdir()?,
    };
    let path = directory.path().join("cold.db");
    let rows = arguments.mib * ROWS_PER_MIB;
    make(&path, rows)?;
    println!("{rows} rows in {} MiB", std::fs::metadata(&path)?.len() >> 20);
    disk(&path, arguments.queries)?;
    scans(&path, rows, arguments.rounds)?;
    points(&path, rows, &arguments)
}

fn make(path: &Path, rows: u64) -> Result<()> {
    let connection = rusqlite::Connection::open(path)?;
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = off; PRAGMA synchronous = off;
         CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, filler BLOB);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO t SELECT i, i % 1000, zeroblob({FILLER}) FROM n;"
    ))?;
    Ok(())
}

/// Make the next reads go to the device.
fn forget(path: &Path) -> Result<()> {
    let file = File::open(path)?;
    file.sync_all()?;
    // SAFETY: advice about a descriptor that is open.
    unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    Ok(())
}

/// Time of the processors that this process has taken.
fn processor_time() -> Duration {
    // SAFETY: the structure is plain numbers, and the call fills it in.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let of = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    of(usage.ru_utime) + of(usage.ru_stime)
}

/// What the disk gives: pages here and there, and the file from front to back in parts.
fn disk(path: &Path, reads: u64) -> Result<()> {
    let pages = std::fs::metadata(path)?.len() / 4096;
    println!("\n{:<28}{:>12}", "disk", "per second");
    for threads in [1, 8, 64] {
        let reads = if threads == 1 { reads / 8 } else { reads };
        let time = by_threads(path, threads, |file, thread| {
            let mut page = [0; 4096];
            for read in (thread..reads).step_by(threads as usize) {
                file.read_exact_at(&mut page, rowid(read, pages) as u64 % pages * 4096)?;
            }
            Ok(())
        })?;
        println!("{:<28}{:>12.0}", format!("pages, {threads} threads"), reads as f64 / time.as_secs_f64());
    }
    for threads in [1, 8] {
        let part = (pages * 4096 / threads) >> 20;
        let time = by_threads(path, threads, |file, thread| {
            let mut block = vec![0; 1 << 20];
            (thread * part..(thread + 1) * part).try_for_each(|mib| file.read_exact_at(&mut block, mib << 20))
        })?;
        println!("{:<28}{:>12.0}", format!("MiB, {threads} threads"), (part * threads) as f64 / time.as_secs_f64());
    }
    Ok(())
}

fn by_threads(path: &Path, threads: u64, work: impl Fn(&File, u64) -> std::io::Result<()> + Sync) -> Result<Duration> {
    forget(path)?;
    let (work, start) = (&work, Instant::now());
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|thread| scope.spawn(move || work(&File::open(path)?, thread))).collect();
        all.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| Err(std::io::Error::other("a panic"))))
    })?;
    Ok(start.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

const SCAN: &str = "SELECT sum(a) FROM t";

fn scans(path: &Path, rows: u64, rounds: usize) -> Result<()> {
    type Way = fn(&Path) -> Result<i64>;
    let ways: [(&str, Way); 4] = [
        ("plain read", read_plainly),
        ("SQLite", scan_sqlite),
        ("blocking", scan_blocking),
        ("asynchronous", scan_asynchronous),
    ];
    let mut times = vec![Vec::new(); ways.len()];
    let mut processors = vec![Vec::new(); ways.len()];
    let expected = (1..=rows as i64).map(|i| i % 1000).sum::<i64>();
    for _ in 0..rounds {
        for (((name, way), times), processors) in ways.iter().zip(&mut times).zip(&mut processors) {
            forget(path)?;
            let (start, taken) = (Instant::now(), processor_time());
            let sum = way(path)?;
            times.push(start.elapsed());
            processors.push(processor_time() - taken);
            if *name != "plain read" && sum != expected {
                return Err(format!("{name}: {sum} instead of {expected}").into());
            }
        }
    }
    let times: Vec<Duration> = times.into_iter().map(median).collect();
    println!("\n{:<14}{:>9}{:>14}{:>12}{:>16}", "scan", "ms", "/ plain read", "/ SQLite", "processors, ms");
    for (((name, _), time), taken) in ways.iter().zip(&times).zip(processors) {
        let ratio = |to: usize| time.as_secs_f64() / times[to].as_secs_f64();
        let taken = median(taken).as_secs_f64() * 1e3;
        println!("{name:<14}{:>9.0}{:>14.2}{:>12.2}{taken:>16.0}", time.as_secs_f64() * 1e3, ratio(0), ratio(1));
    }
    Ok(())
}

fn read_plainly(path: &Path) -> Result<i64> {
    let mut file = File::open(path)?;
    let mut block = vec![0; 1 << 20];
    let mut sum = 0;
    loop {
        match file.read(&mut block)? {
            0 => return Ok(sum),
            n => sum += n as i64,
        }
    }
}

fn scan_sqlite(path: &Path) -> Result<i64> {
    Ok(rusqlite::Connection::open(path)?.query_row(SCAN, (), |row| row.get(0))?)
}

fn blocking(path: &Path) -> Result<turso_core::Connection> {
    let path = path.to_str().ok_or("the path is not text")?;
    Ok(turso_core::Database::open(path, turso_core::OpenOptions::default())?.connect()?)
}

fn scan_blocking(path: &Path) -> Result<i64> {
    let connection = blocking(path)?;
    let mut statement = connection.prepare(SCAN)?.statement.ok_or("no statement")?;
    statement.step()?;
    match statement.row() {
        [turso_core::Value::Integer(sum)] => Ok(*sum),
        _ => Err("no sum".into()),
    }
}

fn scan_asynchronous(path: &Path) -> Result<i64> {
    pollster::block_on(async {
        let path = path.to_str().ok_or("the path is not text")?;
        let connection = turso::Builder::new_local(path).build().await?.connect()?;
        let mut rows = connection.query(SCAN, ()).await?;
        Ok(rows.next().await?.ok_or("no row")?.get(0)?)
    })
}

/// Rowids that jump about the table.
fn rowid(query: u64, rows: u64) -> i64 {
    (query.wrapping_mul(0x9e37_79b9_7f4a_7c15) % rows) as i64 + 1
}

const POINT: &str = "SELECT a FROM t WHERE id = ?";

fn points(path: &Path, rows: u64, arguments: &Arguments) -> Result<()> {
    println!(
        "\n{:<28}{:>12}{:>10}{:>10}{:>8}{:>22}",
        "points", "per second", "p50 us", "p99 us", "ratio", "processors, us each"
    );
    // One stream is slow, and needs fewer queries for its rate.
    let few = arguments.queries / 8;
    let taken = processor_time();
    let (time, waits) = points_blocking(path, rows, few)?;
    let base = few as f64 / time.as_secs_f64();
    report("one blocking stream", few, time, processor_time() - taken, waits, base);
    for streams in [1, arguments.streams] {
        let queries = if streams == 1 { few } else { arguments.queries };
        let taken = processor_time();
        let (time, waits) = pollster::block_on(points_asynchronous(path, rows, queries, streams))?;
        report(&format!("{streams} asynchronous"), queries, time, processor_time() - taken, waits, base);
    }
    Ok(())
}

fn report(name: &str, queries: u64, time: Duration, taken: Duration, mut waits: Vec<Duration>, base: f64) {
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    let rate = queries as f64 / time.as_secs_f64();
    let taken = taken.as_secs_f64() * 1e6 / queries as f64;
    println!("{name:<28}{rate:>12.0}{:>10.0}{:>10.0}{:>8.2}{taken:>22.0}", at(0.5), at(0.99), rate / base);
}

fn points_blocking(path: &Path, rows: u64, queries: u64) -> Result<(Duration, Vec<Duration>)> {
    forget(path)?;
    let connection = blocking(path)?;
    let mut statement = connection.prepare(POINT)?.statement.ok_or("no statement")?;
    let mut waits = Vec::new();
    let start = Instant::now();
    for query in 0..queries {
        let began = Instant::now();
        statement.reset();
        statement.bind(1, turso_core::Value::Integer(rowid(query, rows)))?;
        statement.step()?;
        waits.push(began.elapsed());
    }
    Ok((start.elapsed(), waits))
}

async fn points_asynchronous(path: &Path, rows: u64, queries: u64, streams: u64) -> Result<(Duration, Vec<Duration>)> {
    forget(path)?;
    let text = path.to_str().ok_or("the path is not text")?;
    let database = turso::Builder::new_local(text).build().await?;
    let connections = (0..streams).map(|_| database.connect()).collect::<std::result::Result<Vec<_>, _>>()?;
    let start = Instant::now();
    let each = connections.iter().enumerate().map(async |(stream, connection)| -> Result<Vec<Duration>> {
        let mut statement = connection.prepare(POINT).await?;
        let mut waits = Vec::new();
        for query in (stream as u64..queries).step_by(streams as usize) {
            let began = Instant::now();
            let row = statement.query_row([rowid(query, rows)]).await?;
            row.get::<i64>(0)?;
            waits.push(began.elapsed());
        }
        Ok(waits)
    });
    let waits = join_all(each).await.into_iter().collect::<Result<Vec<_>>>()?;
    Ok((start.elapsed(), waits.concat()))
}
