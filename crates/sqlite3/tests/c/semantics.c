/* Details of what functions mean: statements that outlive changes, subtypes, databases as bytes, codes of files, limits, texts, shared
   caches. */
#include "api.h"

static void show(sqlite3 *db,const char *w){printf("%s: %d %d %s\n",w,sqlite3_errcode(db),sqlite3_extended_errcode(db),sqlite3_errmsg(db));}
static int ph(void*p){return ++*(int*)p>20;}
static int busy(void*p,int n){printf("busy %d\n",n);return n<2;}
static void note(void**a,int n){printf("notify %d\n",n);for(int i=0;i<n;i++)printf(" %s\n",(char *)a[i]);}
static void sub(sqlite3_context*c,int n,sqlite3_value**v){sqlite3_result_int(c,sqlite3_value_subtype(v[0]));}
static void mk(sqlite3_context*c,int n,sqlite3_value**v){sqlite3_result_text(c,"x",1,SQLITE_STATIC);sqlite3_result_subtype(c,55);}

static void statements_and_changes(void) {
  sqlite3 *db=fresh(),*o=0;sqlite3_stmt *s=0,*s2=0;const char *tail=0;
  RC(sqlite3_prepare_v2(db,"",-1,&s,&tail)); SET(s); RC(sqlite3_prepare_v2(db,"  -- c\n;; select 1;",-1,&s,&tail)); SET(s); STR(tail); RC(sqlite3_finalize(s)); RC(sqlite3_prepare_v2(db,tail,-1,&s,&tail)); STR(tail); RC(sqlite3_finalize(s));
  RC(sqlite3_prepare_v2(db,"select 1; select 2",8,&s,&tail)); STR(tail); RC(sqlite3_finalize(s)); RC(sqlite3_prepare_v2(db,"select 12345",10,&s,&tail)); STR(sqlite3_sql(s)); RC(sqlite3_step(s)); INT(sqlite3_column_int(s,0)); RC(sqlite3_finalize(s));
  RC(sqlite3_prepare_v2(db,0,-1,&s,&tail)); RC(sqlite3_prepare_v2(db,"select 1",-1,0,&tail));
  run(db,"create table t(a,b); insert into t values(1,2)");
  RC(sqlite3_prepare(db,"select * from t",-1,&s,0)); run(db,"alter table t add column c"); RC(sqlite3_step(s)); show(db,"step"); RC(sqlite3_reset(s)); show(db,"reset"); RC(sqlite3_finalize(s));
  RC(sqlite3_prepare_v2(db,"select * from t",-1,&s,0)); run(db,"alter table t add column d"); RC(sqlite3_step(s)); INT(sqlite3_column_count(s)); RC(sqlite3_reset(s)); run(db,"drop table t"); RC(sqlite3_step(s)); show(db,"step"); RC(sqlite3_finalize(s));
  run(db,"create table t(a unique)"); RC(sqlite3_prepare(db,"insert into t values(1)",-1,&s,0)); RC(sqlite3_step(s)); RC(sqlite3_step(s)); show(db,"v1"); RC(sqlite3_reset(s)); show(db,"v1r"); RC(sqlite3_finalize(s));
  RC(sqlite3_prepare_v3(db,"insert into t values(1)",-1,SQLITE_PREPARE_PERSISTENT,&s,0)); RC(sqlite3_step(s)); RC(sqlite3_step(s)); RC(sqlite3_reset(s)); RC(sqlite3_reset(s)); RC(sqlite3_finalize(s));
  RC(sqlite3_prepare_v3(db,"select 1",-1,0x1000,&s,0)); RC(sqlite3_finalize(s));
  RC(sqlite3_prepare_v2(db,"insert into t values(?1) returning a+?2",-1,&s,0)); INT(sqlite3_column_count(s)); STR(sqlite3_column_name(s,0)); RC(sqlite3_bind_int(s,1,7)); RC(sqlite3_bind_int(s,2,7)); RC(sqlite3_step(s)); INT(sqlite3_column_int(s,0)); INT(sqlite3_changes(db)); RC(sqlite3_step(s)); INT(sqlite3_changes(db)); RC(sqlite3_finalize(s));
  RC(sqlite3_prepare_v2(db,"select 1 union all select 2",-1,&s,0)); RC(sqlite3_step(s)); RC(sqlite3_close(db)); show(db,"close"); RC(sqlite3_close_v2(db)); RC(sqlite3_step(s)); INT(sqlite3_column_int(s,0)); SET(sqlite3_db_handle(s)); RC(sqlite3_prepare_v2(db,"select 1",-1,&s2,0)); RC(sqlite3_exec(db,"select 1",0,0,0)); RC(sqlite3_finalize(s2)); RC(sqlite3_finalize(s));
  RC(sqlite3_open_v2(":memory:",&db,SQLITE_OPEN_READWRITE|SQLITE_OPEN_NOMUTEX,0)); SET(sqlite3_db_mutex(db)); RC(sqlite3_close(db));
  RC(sqlite3_open_v2(":memory:",&db,SQLITE_OPEN_READWRITE|SQLITE_OPEN_CREATE|SQLITE_OPEN_EXRESCODE,0)); run(db,"create table t(a primary key);insert into t values(1)"); RC(sqlite3_exec(db,"insert into t values(1)",0,0,0)); RC(sqlite3_close(db));
  RC(sqlite3_open_v2("x",&db,SQLITE_OPEN_MEMORY|SQLITE_OPEN_READWRITE,0)); run(db,"create table t(a)"); STR(sqlite3_db_filename(db,"main")); RC(sqlite3_close(db));
}

static void subtypes(void) {
  sqlite3 *db=fresh();sqlite3_stmt *s=0; sqlite3_create_function(db,"sub",1,SQLITE_UTF8|SQLITE_SUBTYPE,0,sub,0,0);sqlite3_create_function(db,"mk",0,SQLITE_UTF8|SQLITE_RESULT_SUBTYPE,0,mk,0,0);
  run(db,"create table t(a);insert into t values(1),(2); create view v as select mk() as m, a from t");
  static const char *q[]={"select sub(mk())","select sub(m) from v","select sub(x) from (select mk() as x)","select sub(x) from (select mk() as x limit 1)","select sub(x) from (select mk() as x union all select mk())","with c as materialized(select mk() as x) select sub(x) from c","select sub((select mk()))","select sub(max(mk())) from t","select sub(case when 1 then mk() end)","select sub(coalesce(null,mk()))","select sub(mk()||'')","select sub(+mk())","select sub(cast(mk() as text))","select sub(x) from (select mk() x, a from t order by a)","select sub(iif(a,mk(),1)) from t","select sub(json('[1]'))","select sub(x) from (select json('[1]') x)","select sub(json_group_array(a)) from t","select sub(mk() collate nocase)","select sub(nullif(mk(),1))","select sub(first_value(mk()) over ()) from t","select sub(ifnull(mk(),1))","select sub(x) from (select distinct mk() x from t)","select sub(likely(mk()))","select sub(m) from v order by a desc","select sub(m) from v group by a", "select sub(m), count(*) from v", "select sub(j.value) from json_each('[[1]]') j","select sub(json_extract('[[1]]','$[0]'))","select sub('[[1]]'->0), sub('[[1]]'->>0)","select sub(jsonb('[1]'))","values(sub(mk()))","select sub(x) from (values(mk())) as q(x)"};
  for(size_t i=0;i<sizeof q/sizeof*q;i++)run(db,q[i]);
  RC(sqlite3_prepare_v2(db,"select mk(), m, json('[1]'), 1 from v",-1,&s,0)); RC(sqlite3_step(s));for(int i=0;i<4;i++)INT(sqlite3_value_subtype(sqlite3_column_value(s,i))); RC(sqlite3_finalize(s));
  RC(sqlite3_close(db));
}

static void bytes_codes_and_limits(void) {
  sqlite3 *db=0,*o=0;int n=0;sqlite3_stmt *s=0;
  RC(sqlite3_open(scratch("m.db"),&db)); run(db,"create table t(a)");
  int pn=0;sqlite3_progress_handler(db,5,ph,&pn); run(db,"with recursive r(i) as(select 1 union all select i+1 from r where i<100000) select count(*) from r"); INT(pn);sqlite3_progress_handler(db,0,0,0);
  RC(sqlite3_open(scratch("m.db"),&o));sqlite3_busy_handler(o,busy,0); run(db,"begin exclusive"); run(o,"select * from t"); run(db,"commit");
  run(db,"begin;select * from t"); run(o,"begin immediate;insert into t values(1)"); run(o,"commit"); run(db,"commit"); run(o,"commit");
  sqlite3_int64 sz=0,none=0;unsigned char *p=0;p=sqlite3_serialize(db,"main",&sz,0); INT(sz); SET(p); SET(sqlite3_serialize(db,"main",&sz,SQLITE_SERIALIZE_NOCOPY)); SET(sqlite3_serialize(db,"zz",&none,0)); INT(none);
  sqlite3 *m=fresh(); RC(sqlite3_deserialize(m,"main",p,sz,sz,SQLITE_DESERIALIZE_FREEONCLOSE|SQLITE_DESERIALIZE_READONLY)); run(m,"select * from t"); run(m,"insert into t values(2)"); RC(sqlite3_deserialize(m,"main",0,-1,0,0)); RC(sqlite3_close(m));
  p=sqlite3_serialize(db,"main",&sz,0);m=fresh(); RC(sqlite3_deserialize(m,"main",p,sz,sz,SQLITE_DESERIALIZE_FREEONCLOSE)); run(m,"insert into t values(zeroblob(20000))"); show(m,"full"); RC(sqlite3_close(m));
  p=sqlite3_serialize(db,"main",&sz,0);m=fresh(); RC(sqlite3_deserialize(m,"main",p,sz,sz,SQLITE_DESERIALIZE_FREEONCLOSE|SQLITE_DESERIALIZE_RESIZEABLE)); run(m,"insert into t values(zeroblob(20000));pragma page_count");sqlite3_int64 lim=-1; RC(sqlite3_file_control(m,"main",SQLITE_FCNTL_SIZE_LIMIT,&lim)); INT(lim);lim=30000; RC(sqlite3_file_control(m,"main",SQLITE_FCNTL_SIZE_LIMIT,&lim)); INT(lim); run(m,"insert into t values(zeroblob(20000))"); RC(sqlite3_close(m));
  for(int op=1;op<=45;op++){ if(op==14||op==43||op==24||op==20||op==25||op==22||op==23||op==31||op==35||op==34||op==32||op==33)continue; sqlite3_int64 a[8]={0};a[0]=-1; int rc=sqlite3_file_control(db,"main",op,a); printf("fcntl %d = %d",op,rc); if(op==1||op==4||op==10||op==13||op==19||op==38||op==42)printf(" -> %d",(int)a[0]); if(op==12||op==16)sqlite3_free(*(char **)a); printf("\n");}
  for(int op=0;op<12;op++){int c=-1,h=-1;int rc=sqlite3_status(op,&c,&h,0);printf("status %d = %d %s %s\n",op,rc,c>=0?"ok":"neg",h>=0?"ok":"neg");}
  for(int op=0;op<16;op++){int c=-1,h=-1;int rc=sqlite3_db_status(db,op,&c,&h,0);printf("db_status %d = %d %s %s\n",op,rc,c>=0?"ok":"neg",h>=0?"ok":"neg");}
  for(int id=-1;id<14;id++)printf("limit %d %d %d %d\n",id,sqlite3_limit(db,id,-1),sqlite3_limit(db,id,0x7fffffff),sqlite3_limit(db,id,-1));
  for(int id=0;id<13;id++){sqlite3_limit(db,id,0);printf("limit0 %d %d\n",id,sqlite3_limit(db,id,1000));} 
  RC(sqlite3_close(db)); RC(sqlite3_close(o));
}

static void texts_of_all_kinds(void) {
  INT(sqlite3_complete("select 1")); INT(sqlite3_complete("select 1;")); INT(sqlite3_complete("create trigger a after insert on b begin select 1;")); INT(sqlite3_complete("create trigger a after insert on b begin select 1; end;")); INT(sqlite3_complete("select ';")); INT(sqlite3_complete("/* ; */")); INT(sqlite3_complete("; -- x")); INT(sqlite3_complete("")); INT(sqlite3_complete("explain create temp trigger x begin end;")); INT(sqlite3_complete16(wide("select 1;")));
  INT(sqlite3_keyword_count()>100); INT(sqlite3_keyword_check("select",6)); INT(sqlite3_keyword_check("seelct",6)); INT(sqlite3_keyword_check("SELECTS",6));
  INT(sqlite3_strglob("a*c","abc")); INT(sqlite3_strglob("[^a]c","bc")); INT(sqlite3_strlike("a%c","ABC",0)); INT(sqlite3_strlike("a!%c","a%c",'!')); INT(sqlite3_stricmp("ABC","abd")); INT(sqlite3_strnicmp("ABC","abd",2)); INT(sqlite3_stricmp(0,"a")); INT(sqlite3_stricmp(0,0));
  char *z=sqlite3_mprintf("%q|%Q|%w|%5d|%-5d|%05d|%lld|%s|%.3s|%z|%c|%%|%x|%X|%o|%u|%e|%g|%f|%10.3f|%,d|%!g|%p","it's","it's","a\"b",42,42,42,(long long)1<<40,"str","strlong",sqlite3_mprintf("z"),'c',255,255,8,5u,1.5,1.5,1.5,3.14159,1234567,0.1,(void*)0); STR(z);sqlite3_free(z);
  z=sqlite3_mprintf("%Q %q %s %.*s %*d|%-10s|%+d|% d|%#x|%#o|%lu|%hd",0,0,0,2,"abc",5,3,"l",5,5,255,8,77ul,70000); STR(z);sqlite3_free(z);
  char buf[8]; STR(sqlite3_snprintf(8,buf,"%s","0123456789")); STR(sqlite3_snprintf(0,buf,"zz"));
  INT(sqlite3_compileoption_used("THREADSAFE")); INT(sqlite3_compileoption_used("SQLITE_ENABLE_RTREE")); INT(sqlite3_compileoption_used("NOPE")); INT(sqlite3_compileoption_used("THREADSAFE=1")); SET(sqlite3_compileoption_get(0)); SET(sqlite3_compileoption_get(9999)); SET(sqlite3_compileoption_get(-1));
}

static void shared_caches(void) {
  sqlite3 *a=0,*b=0;sqlite3_stmt *s=0; RC(sqlite3_open_v2("file:shm1?mode=memory&cache=shared",&a,SQLITE_OPEN_READWRITE|SQLITE_OPEN_CREATE|SQLITE_OPEN_URI,0)); RC(sqlite3_open_v2("file:shm1?mode=memory&cache=shared",&b,SQLITE_OPEN_READWRITE|SQLITE_OPEN_CREATE|SQLITE_OPEN_URI,0));
  run(a,"create table t(a);begin;insert into t values(1)"); RC(sqlite3_prepare_v2(b,"select * from t",-1,&s,0)); show(b,"prep"); RC(sqlite3_step(s)); show(b,"step"); RC(sqlite3_unlock_notify(b,note,"B")); RC(sqlite3_reset(s)); run(a,"commit"); RC(sqlite3_step(s)); RC(sqlite3_reset(s)); RC(sqlite3_unlock_notify(b,note,"again")); RC(sqlite3_unlock_notify(b,0,0));
  run(b,"pragma read_uncommitted=1"); run(a,"begin;insert into t values(2)"); RC(sqlite3_step(s)); RC(sqlite3_reset(s)); run(a,"rollback"); RC(sqlite3_finalize(s));
  run(a,"begin;select * from t"); run(b,"drop table t"); show(b,"drop"); run(a,"commit"); RC(sqlite3_close(a)); RC(sqlite3_close(b));
}

static void definitions(void) {
  sqlite3 *db = fresh(); sqlite3_limit(db, SQLITE_LIMIT_SCHEMA, 3);
  run(db, "CREATE TABLE a(x)"); run(db, "CREATE TABLE b(x)"); run(db, "CREATE TABLE c(x)"); run(db, "CREATE INDEX i ON a(x)"); run(db, "CREATE VIEW v AS SELECT 1"); run(db, "CREATE TEMP TABLE t(x)");
  sqlite3_limit(db, SQLITE_LIMIT_SCHEMA, 100); sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_STEPS, 2); run(db, "CREATE TRIGGER t1 AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END"); run(db, "CREATE TRIGGER t2 AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; SELECT 3; END");
  RC(sqlite3_close(db));
}

static void moved_files(void) {
  sqlite3 *db = 0; int moved = -1; RC(sqlite3_open(scratch("moves.db"), &db)); run(db, "CREATE TABLE t(a)");
  RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &moved)); INT(moved); rename(scratch("moves.db"), scratch("moved.db")); RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &moved)); INT(moved); RC(sqlite3_close(db));
}

/* The journal modes that databases without a name are told and answer, and a change between modes in a transaction. */
static void journal_modes(void) {
  static const char *const names[] = {"", ":memory:"}, *const modes[] = {"", "=wal", "=truncate", "=persist", "=off", "=memory", "=delete", "=bogus", ""};
  sqlite3 *db = 0; char text[100];
  for (int i = 0; i < 2; i++) {
    RC(sqlite3_open(names[i], &db));
    for (size_t j = 0; j < sizeof modes / sizeof *modes; j++) { snprintf(text, sizeof text, "PRAGMA journal_mode%s", modes[j]); run(db, text); }
    run(db, "ATTACH '' AS e; PRAGMA e.journal_mode"); RC(sqlite3_close(db));
  }
  RC(sqlite3_open(scratch("modes.db"), &db)); run(db, "PRAGMA journal_mode = truncate; CREATE TABLE t(a); BEGIN IMMEDIATE; PRAGMA journal_mode = delete; INSERT INTO t VALUES(1); PRAGMA journal_mode = memory; PRAGMA journal_mode = persist; COMMIT");
  INT(access(scratch("modes.db-journal"), F_OK)); run(db, "PRAGMA writable_schema = 1"); RC(sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, 0)); run(db, "CREATE INDEX i ON t(a || \"text\")"); run(db, "PRAGMA writable_schema = 0; CREATE INDEX j ON t(a || \"text\")"); RC(sqlite3_close(db));
}

void semantics(void) { journal_modes(); statements_and_changes(); subtypes(); bytes_codes_and_limits(); texts_of_all_kinds(); shared_caches(); definitions(); moved_files(); }
