//! The eight tables, filled from `tpchgen`.

use rusqlite::Connection;
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};

const TABLES: &str = "
CREATE TABLE nation(n_nationkey INTEGER, n_name TEXT, n_regionkey INTEGER, n_comment TEXT);
CREATE TABLE region(r_regionkey INTEGER, r_name TEXT, r_comment TEXT);
CREATE TABLE part(p_partkey INTEGER, p_name TEXT, p_mfgr TEXT, p_brand TEXT, p_type TEXT, p_size INTEGER,
                  p_container TEXT, p_retailprice REAL, p_comment TEXT);
CREATE TABLE supplier(s_suppkey INTEGER, s_name TEXT, s_address TEXT, s_nationkey INTEGER, s_phone TEXT,
                      s_acctbal REAL, s_comment TEXT);
CREATE TABLE partsupp(ps_partkey INTEGER, ps_suppkey INTEGER, ps_availqty INTEGER, ps_supplycost REAL, ps_comment TEXT);
CREATE TABLE customer(c_custkey INTEGER, c_name TEXT, c_address TEXT, c_nationkey INTEGER, c_phone TEXT,
                      c_acctbal REAL, c_mktsegment TEXT, c_comment TEXT);
CREATE TABLE orders(o_orderkey INTEGER, o_custkey INTEGER, o_orderstatus TEXT, o_totalprice REAL, o_orderdate TEXT,
                    o_orderpriority TEXT, o_clerk TEXT, o_shippriority INTEGER, o_comment TEXT);
CREATE TABLE lineitem(l_orderkey INTEGER, l_partkey INTEGER, l_suppkey INTEGER, l_linenumber INTEGER, l_quantity REAL,
                      l_extendedprice REAL, l_discount REAL, l_tax REAL, l_returnflag TEXT, l_linestatus TEXT,
                      l_shipdate TEXT, l_commitdate TEXT, l_receiptdate TEXT, l_shipinstruct TEXT, l_shipmode TEXT,
                      l_comment TEXT);
";

/// Indexes on the primary and foreign keys, and statistics.
const INDEXES: &str = "
CREATE UNIQUE INDEX nation_key ON nation(n_nationkey);
CREATE UNIQUE INDEX region_key ON region(r_regionkey);
CREATE UNIQUE INDEX part_key ON part(p_partkey);
CREATE UNIQUE INDEX supplier_key ON supplier(s_suppkey);
CREATE UNIQUE INDEX partsupp_key ON partsupp(ps_partkey, ps_suppkey);
CREATE UNIQUE INDEX customer_key ON customer(c_custkey);
CREATE UNIQUE INDEX orders_key ON orders(o_orderkey);
CREATE UNIQUE INDEX lineitem_key ON lineitem(l_orderkey, l_linenumber);
CREATE INDEX nation_region ON nation(n_regionkey);
CREATE INDEX supplier_nation ON supplier(s_nationkey);
CREATE INDEX partsupp_supplier ON partsupp(ps_suppkey);
CREATE INDEX customer_nation ON customer(c_nationkey);
CREATE INDEX orders_customer ON orders(o_custkey);
CREATE INDEX lineitem_partsupp ON lineitem(l_partkey, l_suppkey);
CREATE INDEX lineitem_supplier ON lineitem(l_suppkey);
ANALYZE;
";

/// Make and fill the tables.
pub fn fill(connection: &Connection, scale: f64, indexes: bool) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)?;
    connection.execute_batch("BEGIN")?;
    rows(connection, "nation", 4, NationGenerator::new(scale, 1, 1).iter())?;
    rows(connection, "region", 3, RegionGenerator::new(scale, 1, 1).iter())?;
    rows(connection, "part", 9, PartGenerator::new(scale, 1, 1).iter())?;
    rows(connection, "supplier", 7, SupplierGenerator::new(scale, 1, 1).iter())?;
    rows(connection, "partsupp", 5, PartSuppGenerator::new(scale, 1, 1).iter())?;
    rows(connection, "customer", 8, CustomerGenerator::new(scale, 1, 1).iter())?;
    rows(connection, "orders", 9, OrderGenerator::new(scale, 1, 1).iter())?;
    rows(connection, "lineitem", 16, LineItemGenerator::new(scale, 1, 1).iter())?;
    connection.execute_batch("COMMIT")?;
    if indexes { connection.execute_batch(INDEXES) } else { Ok(()) }
}

/// Insert rows that display as `value|value|…|`; the columns' affinities make numbers of the texts.
fn rows<R: std::fmt::Display>(
    connection: &Connection,
    table: &str,
    columns: usize,
    rows: impl Iterator<Item = R>,
) -> rusqlite::Result<()> {
    let marks = vec!["?"; columns].join(",");
    let mut insert = connection.prepare(&format!("INSERT INTO {table} VALUES ({marks})"))?;
    for row in rows {
        let text = row.to_string();
        insert.execute(rusqlite::params_from_iter(text.split('|').take(columns)))?;
    }
    Ok(())
}
