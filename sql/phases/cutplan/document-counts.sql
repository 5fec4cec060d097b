-- How many units the document has, and which planned addresses exist already (of whichever document).
-- Role: context_pack_readonly. Locks: access share. In: settings cutter.document_id, cutter.planned_addresses.
select
  (select count(*)::integer from public.information_unit u
    join cutter_governance.source_document_registry d on d.doc_code = u.doc_code
    where d.kb_document_id = current_setting('cutter.document_id')) as unit_count,
  array(select u.canonical_address
    from (select distinct unnest(current_setting('cutter.planned_addresses')::text[]) as address) p
    join public.information_unit u on u.canonical_address = p.address
    order by u.canonical_address collate "C") as planned_addresses_taken;
