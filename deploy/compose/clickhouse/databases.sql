CREATE DATABASE IF NOT EXISTS rapport_segmentation;
CREATE DATABASE IF NOT EXISTS rapport_reporting;
