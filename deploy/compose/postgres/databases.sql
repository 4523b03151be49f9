-- One database per service, owned by a role of its own that is no superuser.
CREATE ROLE rapport_customer LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD 'local-only';
CREATE DATABASE rapport_customer OWNER rapport_customer;
CREATE ROLE rapport_segmentation LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD 'local-only';
CREATE DATABASE rapport_segmentation OWNER rapport_segmentation;
CREATE ROLE rapport_marketing LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD 'local-only';
CREATE DATABASE rapport_marketing OWNER rapport_marketing;
CREATE ROLE rapport_cases LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD 'local-only';
CREATE DATABASE rapport_cases OWNER rapport_cases;
CREATE ROLE rapport_performance LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD 'local-only';
CREATE DATABASE rapport_performance OWNER rapport_performance;
CREATE ROLE rapport_reporting LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD 'local-only';
CREATE DATABASE rapport_reporting OWNER rapport_reporting;
