-- audit_resource_prefix answers equality as well as beginnings: a second index on the same columns only made each record
-- of a read dearer to write.
DROP INDEX kit.audit_resource;
