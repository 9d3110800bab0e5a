import SectoralWarehouse

/// One statement that puts a finished relation in the place of the standing one on Postgres.
///
/// It runs inside of the node's transaction, so that readers see the old relation or the new one:
/// locks are asked for with a short timeout and asked for again, everything between the first lock
/// and the commit works on the catalog alone, and what hangs on the old relation (views,
/// materialized views, functions and policies of other tables, whoever made them) stands on the new
/// one afterwards. What still fits is replaced in its place, which keeps owner, grants and comments:
/// a view with the same columns, a function whose signature has no row type of the relation's. The
/// rest is dropped and made again with all of these, a materialized view with its rows as well.
/// Where that belongs to others, and the user may not touch it, the standing table stays and becomes
/// like the new one: rows, indexes, constraints, more columns. So it is with temporary views of other sessions.
/// Nothing is dropped with cascade: where something cannot be made again, the statement fails and
/// the old relation stays, unless it is one of `rebuilt`, which this run makes anew. Foreign keys
/// that point to the old table point to the new one afterwards; of those that do not fit `lost` tells, and of
/// rights on a table whose row-level security goes with it.
struct PostgresSwap {
  /// What stands there.
  var standing: Relation
  /// What was built.
  var intermediate: Relation
  /// Its name from now on; in the same schema.
  var target: Relation
  /// The standing relation's name for as long as the statement runs.
  var backup: Relation
  /// Views that come later in this run.
  var rebuilt: [Relation]
  /// Whether rights that were given on the standing relation are given on the new one as well.
  var keepsGrants: Bool
  /// How long locks are asked for, in seconds.
  var patience: Int

  var sql: String {
    let again = rebuilt.map {
      "format(\(Self.literal("%I.%I")), \(Self.literal(schema($0))), \(Self.literal(identifier($0))))"
    }
    .joined(separator: ", ")
    let values = """
        old_name constant text := \(Self.literal(path(standing)));
        new_name constant text := \(Self.literal(path(intermediate)));
        schema_name constant text := \(Self.literal(schema(target)));
        final_name constant text := \(Self.literal(identifier(target)));
        backup_name constant text := \(Self.literal(identifier(backup)));
        rebuilt constant text[] := array[\(again)]::text[];
        keeps_grants constant boolean := \(keepsGrants);
        deadline constant timestamptz := clock_timestamp() + interval '\(patience) seconds';
      """
    return "do $sectoral$\ndeclare\n\(values)\n\(Self.body)$sectoral$"
  }

  /// The same in plain statements, for a table that nothing hangs on and nobody uses at the moment, which
  /// is most of them: a tenth of the price. They are refused where that is not so.
  var plainStatements: [String] {
    // A drop would lock what hangs on the table, or what its keys point to, after the table itself: the wrong way
    // round for those who read a view on it.
    let hangs = """
      exists (
        select from pg_depend as d
        where d.refclassid = 'pg_class'::regclass and d.refobjid = o.oid and d.deptype = 'n')
      or exists (select from pg_constraint as k where k.conrelid = o.oid and k.contype = 'f')
      """
    let grants = """
      exists (
        select e.grantee, e.privilege_type, e.is_grantable
        from aclexplode(o.relacl) as e where e.grantee <> o.relowner
        except
        select e.grantee, e.privilege_type, e.is_grantable
        from pg_class as n cross join aclexplode(n.relacl) as e
        where n.oid = to_regclass(\(Self.literal(path(intermediate)))))
      or exists (select from pg_attribute as a where a.attrelid = o.oid and a.attacl is not null)
      """
    // Gives no row, and is refused for the one that it would give.
    let check = """
      select cast(format('%s is not alone', o.relname) as boolean)
      from pg_class as o
      where o.oid = to_regclass(\(Self.literal(path(standing))))
        and (\(keepsGrants ? "\(hangs)\nor \(grants)" : hangs))
      """
    return [
      "lock table \(standing.rendered) in access exclusive mode nowait",
      check,
      "drop table \(standing.rendered)",
      "alter table \(intermediate.rendered) rename to \"\(identifier(target).replacing("\"", with: "\"\""))\"",
    ]
  }

  /// What gives, as a JSON object, what went with the old relation in this transaction: of foreign `keys` the
  /// `name`, `schema` and `table` that pointed, and the `reason`; of `grants` the statements that make them.
  static let lost = "select current_setting('sectoral.lost')"

  /// What the statement itself refuses, without the server's word on which of its lines did.
  static func withoutOwnContext(_ error: WarehouseError) -> WarehouseError {
    guard let context = error.context, context.hasPrefix("PL/pgSQL function inline_code_block"),
      context.hasSuffix("at RAISE")
    else { return error }
    var error = error
    error.report = error.report?.replacing("\nCONTEXT:  \(context)", with: "")
    error.context = nil
    return error
  }

  /// Drops views, but none on which another one stands that is not among them.
  static func dropping(_ views: [Relation]) -> String {
    let statements = views.map { view in
      let kind = view.type == .materializedView ? "materialized view" : "view"
      return Self.literal("drop \(kind) if exists \(view.rendered)")
    }
    // Each pass takes those away that the one before has made free.
    return """
      do $sectoral$
      declare
        statement text;
      begin
        for pass in 1..\(views.count) loop
          foreach statement in array array[\(statements.joined(separator: ", "))] loop
            begin
              execute statement;
            exception when dependent_objects_still_exist or wrong_object_type then null;
            end;
          end loop;
        end loop;
      end;
      $sectoral$
      """
  }

  /// SQLSTATEs of what stands in the way of replacing a view in its place: locks, a deadlock, what hangs on
  /// the relation, another kind of relation or none, other columns.
  static let refusals: Set<String> = [
    "55P03", "40P01", "2BP01", "42809", "42P01", "42P07", "42P16",
  ]
  /// The same of the plain statements, what is not alone included.
  static let plainRefusals = refusals.union(["22P02"])

  /// `create view …` as the statement that replaces it; nil where the text begins otherwise.
  static func replacing(_ create: String) -> String? {
    let words = create.split(maxSplits: 2, whereSeparator: \.isWhitespace)
    guard words.count == 3, words[0].lowercased() == "create", words[1].lowercased() == "view"
    else {
      return nil
    }
    return "create or replace view \(create[words[2].startIndex...])"
  }

  /// Locks are asked for with a short timeout; `calm` sets back what was.
  static let hurry = """
    select set_config('sectoral.lock_timeout', current_setting('lock_timeout'), true), \
    set_config('lock_timeout', '200ms', true)
    """
  static let calm = """
    select set_config('lock_timeout', current_setting('sectoral.lock_timeout'), true)
    """

  /// As the server keeps the name: what is not quoted is folded.
  private func schema(_ relation: Relation) -> String {
    let name = relation.schema ?? ""
    return relation.quotePolicy.schema ? name : name.lowercased()
  }

  private func identifier(_ relation: Relation) -> String {
    let name = relation.identifier ?? ""
    return relation.quotePolicy.identifier ? name : name.lowercased()
  }

  private func path(_ relation: Relation) -> String {
    [schema(relation), identifier(relation)]
      .map { "\"\($0.replacing("\"", with: "\"\""))\"" }.joined(separator: ".")
  }

  /// Inside of `$sectoral$`, which no name may end.
  private static func literal(_ text: String) -> String {
    let escaped = text.replacing("\\", with: "\\\\").replacing("'", with: "''")
      .replacing("$", with: "\\044")
    return "e'\(escaped)'"
  }

  /// Who reads a view has locked it before what it stands on, so all locks are taken from the top downwards, and
  /// before anything that takes time. Where others go another way (a table, then a view on it), they wait for what
  /// is held here; all locks together are waited for less long at first than the server lets them wait until it
  /// looks for a deadlock, in which it would end them.
  private static let body = #"""
      old_path constant text := current_setting('search_path');
      old_lock_timeout constant text := current_setting('lock_timeout');
      old_body_check constant text := current_setting('check_function_bodies');
      old_jit constant text := current_setting('jit');
      pause double precision := 0.02;
      surprises integer := 0;
      refused text;
      old_oid oid;
      old_kind text;
      hanging jsonb;
      keys jsonb;
      lost jsonb;
      lost_grants jsonb;
      hides_rows boolean;
      item jsonb;
      command text;
      misfit bigint[];
      -- in seconds: how long the first lock is held while others are waited for
      budget double precision := extract(epoch from current_setting('deadlock_timeout')::interval) / 2;
      locks_until timestamptz;
      dependents bigint;
      changes boolean;
      -- whose lock was asked for last
      wanted oid;
      reason text;
    begin
      -- definitions of views are then written with the schemas of all they name
      perform set_config('search_path', '', true);
      -- what a function's text says is looked up in the search path of those who call it
      perform set_config('check_function_bodies', 'off', true);
      loop
        begin
          perform set_config('lock_timeout', '200ms', true);
          select c.oid, case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end
          into old_oid, old_kind
          from pg_class as c where c.oid = to_regclass(old_name);
          hanging := '[]';
          keys := '[]';
          lost := '[]';
          lost_grants := '[]';
          misfit := '{}';
          locks_until := null;
          if refused is not null then
            -- what hangs there is not ours to touch: the standing table stays, and becomes like the new one
            select string_agg(format('%I', o.attname), ', ' order by o.attnum) into reason
            from pg_attribute as o
            where o.attrelid = old_oid and o.attnum > 0 and not o.attisdropped and not exists (
              select from pg_attribute as n
              where n.attrelid = to_regclass(new_name) and not n.attisdropped
                and (n.attname, n.atttypid, n.atttypmod, n.attcollation)
                  = (o.attname, o.atttypid, o.atttypmod, o.attcollation)
            );
            if reason is not null or old_kind <> 'table'
              or not exists (select from pg_class where oid = to_regclass(new_name) and relkind = 'r')
            then
              raise exception using
                errcode = 'dependent_objects_still_exist',
                message = format('%I.%I cannot be replaced under what belongs to others: %s',
                  schema_name, final_name, refused),
                detail = coalesce(
                  format('Its rows cannot be replaced either, as these columns are gone or have another type: %s', reason),
                  'Its rows cannot be replaced either, as it is a view or becomes one.'),
                hint = 'Ask the owner of what hangs on it to drop that, or set meta.sectoral.dependents to '
                  || 'cascade on the model, and it is dropped as dbt does.';
            end if;
            execute format('lock table %s in share row exclusive mode', old_name);
            -- what a new table does not have goes, as far as nothing stands on it
            for command in
              select format('drop trigger %I on %s', t.tgname, old_name)
              from pg_trigger as t where t.tgrelid = old_oid and not t.tgisinternal
              union all
              select format('alter table %s drop constraint %I', old_name, o.conname)
              from pg_constraint as o
              where o.conrelid = old_oid and o.contype in ('c', 'f', 'p', 'u', 'x') and not exists (
                select from pg_constraint as n where n.conrelid = to_regclass(new_name)
                  and pg_get_constraintdef(n.oid) = pg_get_constraintdef(o.oid))
              union all
              select format('drop index %s', o.indexrelid::regclass)
              from pg_index as o
              where o.indrelid = old_oid
                and not exists (select from pg_constraint as k where k.conindid = o.indexrelid)
                and not exists (
                  select from pg_index as n where n.indrelid = to_regclass(new_name)
                    and n.indisunique = o.indisunique
                    and split_part(pg_get_indexdef(n.indexrelid), ' USING ', 2)
                      = split_part(pg_get_indexdef(o.indexrelid), ' USING ', 2))
            loop
              begin
                execute command;
              exception when dependent_objects_still_exist then null;
              end;
            end loop;
            for command in
              select format('alter table %s add column %I %s%s', old_name, n.attname,
                format_type(n.atttypid, n.atttypmod),
                (select format(' collate %s.%I', c.collnamespace::regnamespace, c.collname)
                  from pg_collation as c where c.oid = n.attcollation))
              from pg_attribute as n
              where n.attrelid = to_regclass(new_name) and n.attnum > 0 and not n.attisdropped
                and not exists (select from pg_attribute as o where o.attrelid = old_oid and o.attname = n.attname)
              order by n.attnum
            loop
              execute command;
            end loop;
            select string_agg(format('%I', n.attname), ', ' order by n.attnum) into reason
            from pg_attribute as n
            where n.attrelid = to_regclass(new_name) and n.attnum > 0 and not n.attisdropped
              and n.attgenerated = '';
            execute format('delete from %s', old_name);
            execute format('insert into %s (%s) select %s from %s', old_name, reason, reason, new_name);
            for command in
              select format('alter table %s alter column %I %s not null', old_name, n.attname,
                case when n.attnotnull then 'set' else 'drop' end)
              from pg_attribute as n
              join pg_attribute as o on o.attrelid = old_oid and o.attname = n.attname
              where n.attrelid = to_regclass(new_name) and n.attnum > 0 and not n.attisdropped
                and n.attnotnull <> o.attnotnull
              union all
              select format('alter table %s add %s', old_name, pg_get_constraintdef(n.oid))
              from pg_constraint as n
              where n.conrelid = to_regclass(new_name) and n.contype in ('c', 'f', 'p', 'u', 'x') and not exists (
                select from pg_constraint as o where o.conrelid = old_oid
                  and pg_get_constraintdef(o.oid) = pg_get_constraintdef(n.oid))
              union all
              select format('create %sindex on %s using %s', case when n.indisunique then 'unique ' end, old_name,
                split_part(pg_get_indexdef(n.indexrelid), ' USING ', 2))
              from pg_index as n
              where n.indrelid = to_regclass(new_name)
                and not exists (select from pg_constraint as k where k.conindid = n.indexrelid)
                and not exists (
                  select from pg_index as o where o.indrelid = old_oid and n.indisunique = o.indisunique
                    and split_part(pg_get_indexdef(n.indexrelid), ' USING ', 2)
                      = split_part(pg_get_indexdef(o.indexrelid), ' USING ', 2))
            loop
              execute command;
            end loop;
            execute format('drop table %s', new_name);
            exit;
          end if;
          if old_kind = 'view' and exists (
            select from pg_class as c where c.oid = to_regclass(new_name) and c.relkind = 'v'
          ) then
            -- a view whose columns allow it changes in its place: what hangs on it notices nothing
            begin
              execute format('create or replace view %s as %s', old_name,
                pg_get_viewdef(to_regclass(new_name)::oid));
              execute format('drop view %s', new_name);
              exit;
            exception
              when lock_not_available or deadlock_detected or query_canceled or internal_error then raise;
              when others then null;
            end;
          end if;
          if old_oid is not null then
            -- to compile what follows would take the server a quarter of a second
            perform set_config('jit', 'off', true);
            -- under the locks what was read is read again, should it have changed in between
            for turn in 1..10 loop
              select count(*) into dependents
              from pg_depend where refclassid = 'pg_class'::regclass and refobjid = old_oid;
              -- relations are counted by their oids, functions below zero, policies above all oids
              with recursive row_types as (
                select t.oid, coalesce(e.typrelid, t.typrelid) as relation
                from pg_type as t
                left join pg_type as e on e.oid = t.typelem and e.typarray = t.oid
                where coalesce(e.typrelid, t.typrelid) <> 0
              ), uses (user_id, used_id) as (
                select u.id, case d.refclassid when 'pg_proc'::regclass then -d.refobjid::bigint
                  else coalesce(t.relation, d.refobjid)::bigint end
                from pg_depend as d
                left join pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
                left join row_types as t on d.refclassid = 'pg_type'::regclass and t.oid = d.refobjid
                cross join lateral (select case d.classid
                  when 'pg_rewrite'::regclass then r.ev_class::bigint
                  when 'pg_proc'::regclass then -d.objid::bigint
                  when 'pg_policy'::regclass then d.objid::bigint + 2::bigint ^ 40 end::bigint as id) as u
                where u.id is not null
                  and (d.refclassid in ('pg_class'::regclass, 'pg_proc'::regclass) or t.oid is not null)
              ), reached (id, depth) as (
                select user_id, 1 from uses where used_id = old_oid::bigint and user_id <> used_id
                union
                select u.user_id, r.depth + 1 from reached as r join uses as u on u.used_id = r.id
                where u.user_id <> u.used_id and r.depth < 64
              ), items (id, kind, path, replacing, dropping, creating, has, version) as (
                select v.oid::bigint, v.kind, v.path,
                  case v.relkind when 'v' then format('create or replace view %s', v.text) end,
                  format('drop %s %s', v.kind, v.path),
                  format('create %s %s', v.kind, v.text),
                  (
                    select coalesce(jsonb_agg(a.command order by a.place, a.command), '[]')
                    from (
                      select 1 as place, pg_get_indexdef(i.indexrelid) as command
                      from pg_index as i where i.indrelid = v.oid
                      union all
                      select 2, format('alter view %s alter column %I set default %s',
                        v.path, a.attname, pg_get_expr(f.adbin, f.adrelid))
                      from pg_attrdef as f
                      join pg_attribute as a on a.attrelid = f.adrelid and a.attnum = f.adnum
                      where f.adrelid = v.oid
                      union all
                      select 3, pg_get_triggerdef(t.oid)
                      from pg_trigger as t where t.tgrelid = v.oid and not t.tgisinternal
                      union all
                      select 4, case d.objsubid
                        when 0 then format('comment on %s %s is %L', v.kind, v.path, d.description)
                        else format('comment on column %s.%I is %L', v.path, a.attname, d.description) end
                      from pg_description as d
                      left join pg_attribute as a on a.attrelid = d.objoid and a.attnum = d.objsubid
                      where d.objoid = v.oid and d.classoid = 'pg_class'::regclass
                      union all
                      select 5, format('grant %s%s on %s to %s%s',
                        g.privilege_type, g.columns, v.path,
                        case g.grantee when 0 then 'public' else g.grantee::regrole::text end,
                        case when g.is_grantable then ' with grant option' end)
                      from (
                        select e.*, null as columns from aclexplode(v.relacl) as e
                        union all
                        select e.*, format(' (%I)', a.attname)
                        from pg_attribute as a cross join aclexplode(a.attacl) as e
                        where a.attrelid = v.oid
                      ) as g
                      where g.grantee <> v.relowner
                      union all
                      select 6, format('alter %s %s owner to %s', v.kind, v.path, v.relowner::regrole)
                      where v.relowner <> current_user::regrole
                    ) as a
                  ),
                  (select r.xmin::text from pg_rewrite as r where r.ev_class = v.oid and r.rulename = '_RETURN')
                from (
                  select c.*, k.kind, n.path, format('%s%s as %s%s',
                    n.path,
                    ' with (' || array_to_string(c.reloptions, ', ') || ')',
                    rtrim(pg_get_viewdef(c.oid), ';'),
                    case when c.relkind = 'm' and not c.relispopulated then ' with no data' end) as text
                  from pg_class as c
                  cross join lateral (
                    select case c.relkind when 'm' then 'materialized view' else 'view' end as kind) as k
                  cross join lateral (
                    select format('%s.%I', c.relnamespace::regnamespace, c.relname) as path) as n
                  where c.relkind in ('v', 'm') and c.oid in (select id from reached where id between 0 and 2::bigint ^ 32)
                ) as v
                union all
                select -p.oid::bigint, case p.prokind when 'p' then 'procedure' else 'function' end, p.path,
                  -- a row type in its signature is another one on the new relation
                  case when not exists (
                    select from pg_depend as d join row_types as t on t.oid = d.refobjid
                    where d.classid = 'pg_proc'::regclass and d.objid = p.oid
                      and d.refclassid = 'pg_type'::regclass and t.relation = old_oid
                  ) then pg_get_functiondef(p.oid) end,
                  -- its signature by then
                  null,
                  pg_get_functiondef(p.oid),
                  (
                    select coalesce(jsonb_agg(a.command order by a.place, a.command), '[]')
                    from (
                      select 1 as place, format('comment on routine %s is %L', p.path, d.description) as command
                      from pg_description as d
                      where d.objoid = p.oid and d.classoid = 'pg_proc'::regclass
                      union all
                      select 2, format('revoke all on routine %s from public', p.path)
                      where p.proacl is not null
                      union all
                      select 3, format('grant %s on routine %s to %s%s', g.privilege_type, p.path,
                        case g.grantee when 0 then 'public' else g.grantee::regrole::text end,
                        case when g.is_grantable then ' with grant option' end)
                      from aclexplode(p.proacl) as g where g.grantee <> p.proowner
                      union all
                      select 4, format('alter routine %s owner to %s', p.path, p.proowner::regrole)
                      where p.proowner <> current_user::regrole
                    ) as a
                  ), null
                from (
                  select p.*, format('%s.%I(%s)', p.pronamespace::regnamespace, p.proname,
                    pg_get_function_identity_arguments(p.oid)) as path
                  from pg_proc as p
                  where p.prokind <> 'a' and -p.oid::bigint in (select id from reached where id < 0)
                ) as p
                union all
                select p.id, 'policy', p.path,
                  format('alter policy %s%s%s', p.path, p.filter, p.checks),
                  format('drop policy %s', p.path),
                  format('create policy %s as %s for %s to %s%s%s', p.path,
                    case when p.polpermissive then 'permissive' else 'restrictive' end,
                    case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                      when 'd' then 'delete' else 'all' end,
                    (select string_agg(case r when 0 then 'public' else r::regrole::text end, ', ')
                      from unnest(p.polroles) as r),
                    p.filter, p.checks),
                  '[]', null
                from (
                  select p.*, p.oid::bigint + (2::bigint ^ 40)::bigint as id,
                    format('%I on %s', p.polname, p.polrelid::regclass) as path,
                    ' using (' || pg_get_expr(p.polqual, p.polrelid) || ')' as filter,
                    ' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')' as checks
                  from pg_policy as p where p.polrelid <> old_oid
                ) as p
                where p.id in (select id from reached)
              )
              select coalesce(jsonb_agg(jsonb_build_object(
                'id', i.id,
                'kind', i.kind,
                'path', i.path,
                'parents', (select jsonb_agg(u.used_id) from uses as u where u.user_id = i.id),
                'replacing', i.replacing,
                'dropping', i.dropping,
                'creating', i.creating,
                'has', i.has,
                'version', i.version) order by r.depth, i.id), '[]')
              into hanging
              from items as i
              join (select id, max(depth) as depth from reached group by id) as r on r.id = i.id;
              select coalesce(jsonb_agg(jsonb_build_object(
                'name', k.conname,
                'is', pg_get_constraintdef(k.oid),
                'schema', n.nspname,
                'table', case when k.conrelid = to_regclass(new_name) then final_name else c.relname end)), '[]')
              into keys
              from pg_constraint as k
              join pg_class as c on c.oid = k.conrelid
              join pg_namespace as n on n.oid = c.relnamespace
              where k.contype = 'f' and k.confrelid = old_oid and k.conrelid <> old_oid and k.conparentid = 0;
              if exists (
                select from jsonb_array_elements(hanging) as e
                join pg_class as c on c.oid::bigint = (e ->> 'id')::bigint
                where pg_is_other_temp_schema(c.relnamespace)
              ) then
                raise exception using
                  errcode = 'insufficient_privilege', message = 'temporary views of another session hang on it';
              end if;
              for wanted, command in
                with ordered (id, place) as (
                  select coalesce(p.polrelid::bigint, (e.value ->> 'id')::bigint), e.ordinality
                  from jsonb_array_elements(hanging) with ordinality as e
                  left join pg_policy as p
                    on p.oid::bigint + (2::bigint ^ 40)::bigint = (e.value ->> 'id')::bigint
                  union all
                  select case k.conrelid when old_oid then k.confrelid else k.conrelid end::bigint, 0
                  from pg_constraint as k where k.contype = 'f' and old_oid in (k.conrelid, k.confrelid)
                  union all
                  select old_oid::bigint, -1
                )
                -- what changes nothing takes the lock, of a view without what it stands on
                select c.oid, format('alter %s %s owner to %s',
                  case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table'
                    else 'table' end,
                  c.oid::regclass, c.relowner::regrole)
                from (select id, max(place) as place from ordered group by id) as w
                join pg_class as c on c.oid::bigint = w.id
                order by w.place desc, w.id
              loop
                perform set_config('lock_timeout', greatest(1, least(200,
                  coalesce(extract(epoch from locks_until - clock_timestamp()) * 1000, 200)))::integer || 'ms', true);
                begin
                  execute command;
                exception
                  when lock_not_available or deadlock_detected or query_canceled or internal_error then raise;
                  when undefined_table or undefined_object then
                    raise exception using errcode = 'SX001', message = sqlerrm;
                  -- missing rights, for instance: the lock may not be needed
                  when others then null;
                end;
                locks_until := coalesce(locks_until, clock_timestamp() + make_interval(secs => budget));
              end loop;
              changes := dependents <> (
                select count(*) from pg_depend where refclassid = 'pg_class'::regclass and refobjid = old_oid
              ) or exists (
                select from jsonb_array_elements(hanging) as e
                where e ->> 'version' is not null and not exists (
                  select from pg_rewrite as r
                  where r.ev_class = (e ->> 'id')::bigint::oid and r.xmin::text = e ->> 'version')
              );
              exit when not changes;
            end loop;
            perform set_config('lock_timeout', '200ms', true);
            if changes or to_regclass(old_name) is distinct from old_oid::regclass then
              raise exception using errcode = 'SX001', message = format('what hangs on %s changes', old_name);
            end if;
            perform set_config('jit', old_jit, true);
            execute format('alter table %s rename to %I', old_name, backup_name);
          end if;
          execute format('alter table %s rename to %I', new_name, final_name);
          -- what row-level security hid from them, they would see on the new one
          hides_rows := exists (select from pg_class as o where o.oid = old_oid and o.relrowsecurity);
          if keeps_grants then
            for command in
              select format('grant %s%s on %I.%I to %s%s',
                g.privilege_type, g.columns, schema_name, final_name,
                case g.grantee when 0 then 'public' else g.grantee::regrole::text end,
                case when g.is_grantable then ' with grant option' end)
              from pg_class as o
              cross join lateral (
                select e.*, null as columns from aclexplode(o.relacl) as e
                union all
                select e.*, format(' (%I)', a.attname)
                from pg_attribute as a cross join aclexplode(a.attacl) as e
                where a.attrelid = o.oid and exists (
                  select from pg_attribute as n
                  where n.attrelid = to_regclass(format('%I.%I', schema_name, final_name))
                    and n.attname = a.attname)
              ) as g
              where o.oid = old_oid and g.grantee <> o.relowner
            loop
              if hides_rows then
                lost_grants := lost_grants || to_jsonb(command);
              else
                execute command;
              end if;
            end loop;
          end if;

          for item in select value from jsonb_array_elements(hanging) as e
            where e.value -> 'parents' @> to_jsonb(old_oid::bigint)
          loop
            begin
              if item ->> 'replacing' is null then
                raise exception 'made again';
              end if;
              execute item ->> 'replacing';
            exception
              when lock_not_available or deadlock_detected or query_canceled or internal_error then raise;
              when others then misfit := misfit || (item ->> 'id')::bigint;
            end;
          end loop;

          if misfit <> '{}' then
            -- nearest first: what stands on one that goes, goes too
            for item in select value from jsonb_array_elements(hanging) loop
              if exists (select from unnest(misfit) as m where item -> 'parents' @> to_jsonb(m)) then
                misfit := misfit || (item ->> 'id')::bigint;
              end if;
            end loop;
            for item in
              select e.value from jsonb_array_elements(hanging) with ordinality as e
              where (e.value ->> 'id')::bigint = any (misfit)
              order by e.ordinality desc
            loop
              execute coalesce(item ->> 'dropping',
                format('drop routine %s', (-(item ->> 'id')::bigint)::oid::regprocedure));
            end loop;
            for item in
              select value from jsonb_array_elements(hanging)
              where (value ->> 'id')::bigint = any (misfit)
            loop
              begin
                execute item ->> 'creating';
                for command in select jsonb_array_elements_text(item -> 'has') loop
                  execute command;
                end loop;
              exception
                when lock_not_available or deadlock_detected or query_canceled or internal_error then raise;
                when others then
                  if not (item ->> 'path') = any (rebuilt) then
                    get stacked diagnostics reason = message_text;
                    raise exception using
                      errcode = 'dependent_objects_still_exist',
                      message = format('the %s %s does not fit the new %I.%I: %s',
                        item ->> 'kind', item ->> 'path', schema_name, final_name, reason),
                      hint = 'Change or drop it first, or set meta.sectoral.dependents to cascade on '
                        || 'the model, and it is dropped as dbt does.';
                  end if;
              end;
            end loop;
          end if;

          for item in select value from jsonb_array_elements(keys) loop
            execute format('alter table %I.%I drop constraint %I',
              item ->> 'schema', item ->> 'table', item ->> 'name');
            begin
              execute format('alter table %I.%I add constraint %I %s',
                item ->> 'schema', item ->> 'table', item ->> 'name', item ->> 'is');
            exception
              when lock_not_available or deadlock_detected or query_canceled or internal_error then raise;
              when others then
                get stacked diagnostics reason = message_text;
                lost := lost || jsonb_build_object('name', item ->> 'name', 'schema', item ->> 'schema',
                  'table', item ->> 'table', 'reason', reason);
            end;
          end loop;

          if old_oid is not null then
            begin
              execute format('drop %s %I.%I', old_kind, schema_name, backup_name);
            exception when dependent_objects_still_exist then
              -- of what an extension owns there is no detail
              get stacked diagnostics reason = pg_exception_detail, command = message_text;
              raise exception using
                errcode = 'dependent_objects_still_exist',
                message = format('what hangs on %I.%I cannot be put on the new one', schema_name, final_name),
                detail = replace(coalesce(nullif(reason, ''), command), backup_name, final_name),
                hint = 'Drop it first, or set meta.sectoral.dependents to cascade on the model, and it is '
                  || 'dropped as dbt does.';
            end;
          end if;
          exit;
        exception when insufficient_privilege then
          if refused is not null then raise; end if;
          get stacked diagnostics refused = message_text;
          select format('%s (%s)', refused, string_agg(concat_ws(' ', e ->> 'kind', e ->> 'path'), ', '))
          into refused
          from jsonb_array_elements(hanging) as e;
          continue;
        when lock_not_available or deadlock_detected or internal_error or sqlstate 'SX001' then
          -- an internal error: another transaction changed what is changed here
          if sqlstate = 'XX000' then
            surprises := surprises + 1;
            if surprises > 20 then raise; end if;
          elsif clock_timestamp() > deadline then
            select string_agg(format('process %s (%s, %s): %s', a.pid, a.usename, a.state, left(a.query, 200)), e'\n')
            into reason
            from pg_locks as l join pg_stat_activity as a on a.pid = l.pid
            where l.relation = old_oid and l.granted and l.pid <> pg_backend_pid();
            raise exception using
              errcode = 'lock_not_available',
              message = format('%I.%I is in use and could not be replaced', schema_name, final_name),
              detail = reason,
              hint = 'End what holds it, or set meta.sectoral.swap_timeout (seconds) on the model.';
          end if;
          budget := budget * 1.5;
          -- The server ends an automatic vacuum in favour of who waits as long as it takes to look for deadlocks. What
          -- this lock is kept for keeps vacuums out, and no reader or writer.
          for command in
            select format('lock table %s in share update exclusive mode', c.oid::regclass)
            from pg_class as c where c.oid = wanted and c.relkind in ('r', 'p')
          loop
            begin
              perform set_config('lock_timeout',
                (extract(epoch from current_setting('deadlock_timeout')::interval) * 1000 + 500)::integer || 'ms', true);
              execute command;
            exception
              when query_canceled then raise;
              when others then null;
            end;
          end loop;
          perform pg_sleep(pause);
          pause := least(pause * 1.5, 1);
        end;
      end loop;
      perform set_config('sectoral.lost', jsonb_build_object('keys', lost, 'grants', lost_grants)::text, true);
      perform set_config('lock_timeout', old_lock_timeout, true);
      perform set_config('check_function_bodies', old_body_check, true);
      perform set_config('search_path', old_path, true);
    end
    """#
}
