-- The table that nightly-report reads; psql --file examples/orders.sql
create table orders (
    id bigint primary key,
    customer text not null,
    status text not null,
    ordered_at timestamptz not null
);
insert into orders values
    (1, 'Example Ltd', 'shipped', '2026-11-02 09:00+00'),
    (2, 'Example Ltd', 'shipped', '2026-11-03 10:30+00'),
    (3, 'Sample GmbH', 'returned', '2026-11-03 11:00+00');
